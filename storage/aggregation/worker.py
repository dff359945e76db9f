"""The child process that aggregates a bill: DuckDB in bounded memory, apart from the daemon.

It reads commands as JSON lines on stdin and answers each by one JSON line on stdout. Bulk passes
through CSV files in the staging folder, which it owns: when its stdin ends, for whatever reason
the parent went away, it removes the folder and ends.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from spendwatt.errors import InputError, MoneyError, SpendwattError, StorageError
from storage.aggregation import facts, macros
from storage.aggregation.items import Items
from storage.aggregation.notes import notes
from storage.aggregation.tags import canonical_tags

_NO_SPACE = os.strerror(errno.ENOSPC)


class Worker:
    """One delivery on its way from line items to facts."""

    def __init__(self, folder: Path, *, memory_limit: str, threads: int) -> None:
        self.folder = folder
        self.files: list[str] = []
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory_limit,
            "threads": threads,
            "temp_directory": str(folder / "spill"),
            "preserve_insertion_order": "false",
            "TimeZone": "UTC",
            # What DuckDB has built in is all that is needed; it shall fetch nothing.
            "autoinstall_known_extensions": "false",
        }
        self.db = duckdb.connect(config=settings)
        self.db.execute(macros.MACROS + facts.MACROS)

    def aggregate(self, request: dict[str, Any]) -> dict[str, Any]:
        """Read the files, group their line items, and write the dimensions' texts."""
        self.files = [file["path"] for file in request["files"]]
        items = Items(self.db, self.folder, request["files"], request["billing_period"])
        items.group()
        self._canonical_tags()
        for statement in facts.number(request["default_currency"]):
            self.db.execute(statement)
        for table in facts.TABLES:
            self._write(facts.texts_of(table), f"texts-{table}.csv")
        self._write(facts.ACCOUNT_NAMES, "names-account.csv")
        return {
            "periods": [
                {
                    "period": str(period),
                    "first_day": str(first),
                    "last_day": str(last),
                    "rows": rows,
                }
                for period, first, last, rows in self.db.execute(facts.SPANS).fetchall()
            ],
            "quarantined": items.quarantined(),
            "examples": items.examples(),
            "notes": [*items.notes(), *notes(self.db, items.columns_read())],
        }

    def _canonical_tags(self) -> None:
        """Bring the distinct tag sets to their canonical text, in Python: there are few."""
        path = self.folder / "tags.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            found = self.db.execute(facts.DISTINCT_TAGS)
            while rows := found.fetchmany(10_000):
                pairs = ((tags, canonical_tags(tags)) for (tags,) in rows)
                writer.writerows(pair for pair in pairs if pair[1] is not None)
        self.db.execute(facts.take_tags(str(path)))

    def write_facts(self, _request: dict[str, Any]) -> dict[str, Any]:
        """Put the database's ids in the texts' place, sum to facts, and write all rows."""
        for statement in facts.map_ids(str(self.folder)):
            self.db.execute(statement)
        self.db.execute(facts.sum_up())
        totals: dict[str, list[list[Any]]] = {}
        for period, *rest in self.db.execute(facts.TOTALS).fetchall():
            totals.setdefault(str(period), []).append([_plain(value) for value in rest])
        return {
            "totals": totals,
            "content": {period: self._rows(period, totals[period]) for period in totals},
        }

    def _rows(self, period: str, totals: Iterable[Any]) -> str:
        """Write a period's rows and give the digest of everything that is stored of it."""
        self._write(facts.facts_of(period), f"cost_daily-{period}.csv")
        for table in facts.SUMMARIES:
            self._write(facts.summary_of(period, table), f"{table}-{period}.csv")
        with (self.folder / f"cost_daily-{period}.csv").open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        digest.update(json.dumps(totals).encode())
        return digest.hexdigest()

    def _write(self, query: str, name: str) -> None:
        self.db.execute(f"COPY ({query}) TO '{self.folder / name}' (FORMAT csv, HEADER false)")


def _plain(value: Any) -> Any:
    return format(value, "f") if isinstance(value, Decimal) else value


def explained(err: Exception, files: Sequence[str], folder: Path) -> SpendwattError:
    """Turn what DuckDB raised over these files into an error of ours."""
    if isinstance(err, SpendwattError):
        return err
    text = str(err).splitlines()[0][:300]
    bill = f"{files[0]} and {len(files) - 1} more" if len(files) > 1 else "".join(files)
    if isinstance(err, duckdb.OutOfRangeException | duckdb.ConversionException):
        return MoneyError(
            f"the costs in {bill} add up to more than can be stored: "
            "9.2 billion units for a day and resource",
            do="Look for a cost that is too large there, mend it, and bring the bill in again",
        )
    if _NO_SPACE in str(err) or (isinstance(err, OSError) and err.errno == errno.ENOSPC):
        return StorageError(
            f"the folder of temporary files, {folder.parent}, is full: {bill} was not stored",
            do="Free space there, or set TMPDIR to another folder, and try again",
            retryable=True,
        )
    if isinstance(err, duckdb.OutOfMemoryException):
        return StorageError(
            f"the bill could not be aggregated: {text}",
            do="Free space for temporary files (TMPDIR), or give fewer files at a time",
        )
    if isinstance(err, OSError | duckdb.IOException):
        return StorageError(
            f"the bill could not be staged: {text}",
            do="Free space where temporary files lie (TMPDIR) and try again",
            retryable=True,
        )
    return StorageError(f"the bill could not be aggregated: {text}")


def _told(err: SpendwattError) -> dict[str, Any]:
    """Make an error fit for the pipe; `storage.bills.staging` raises it again."""
    if isinstance(err, InputError):
        return {
            "kind": "InputError",
            "what": err.problem,
            "file": err.file,
            "line": err.line,
            "column": err.column,
            "do": err.do,
        }
    return {"kind": type(err).__name__, "what": err.what, "do": err.do}


def main() -> None:
    """Serve the parent until its end of the pipe closes."""
    settings = json.loads(sys.stdin.readline())
    folder = Path(settings["folder"])
    try:
        worker = Worker(folder, memory_limit=settings["memory_limit"], threads=settings["threads"])
        commands: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "aggregate": worker.aggregate,
            "facts": worker.write_facts,
        }
        for line in sys.stdin:
            request = json.loads(line)
            try:
                answer = {"ok": commands[request["command"]](request)}
            except (duckdb.Error, OSError, SpendwattError) as err:
                answer = {"error": _told(explained(err, worker.files, folder))}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    # DuckDB's binding prints pages about objects that Python did not get to free; nothing is left
    # to do here.
    os._exit(0)


if __name__ == "__main__":
    main()
