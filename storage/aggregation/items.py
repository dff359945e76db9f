"""Reads a bill's files into groups; where DuckDB stumbles, or rows are faulty, goes carefully."""

# ruff: noqa: S608 - the SQL is built from our own constants; texts from outside are quoted

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb

from spendwatt import focus
from spendwatt.errors import InputError
from storage.aggregation import facts, macros, reading
from storage.aggregation.amounts import read_amount
from storage.aggregation.careful import LINE, Reread, rewrite
from storage.aggregation.reading import Shape, line_items, shapes_of

MAX_EXAMPLES = 1_000
"""Quarantined rows that are named; the others are counted."""

File = dict[str, Any]


class Items:
    """The line items of one delivery."""

    def __init__(
        self, db: duckdb.DuckDBPyConnection, folder: Path, files: list[File], period: str | None
    ) -> None:
        self.db = db
        self.folder = folder
        self.files = files
        self.period = period
        self.copies: dict[str, File] = {}
        self.reread: dict[str, Reread] = {}
        self.day_first: list[str] = []
        self.reads_odd_amounts = False

    def group(self) -> None:
        """Make the table of groups. Raises InputError naming the file that cannot be read."""
        with ThreadPoolExecutor(max_workers=1) as aside:
            # Unpacking once more takes a tenth as long as the reading, beside which it runs.
            giants = [aside.submit(_hides_a_giant, file) for file in self.files]
            self._group_or_reread()
        if any(each.result() for each in giants):
            self._group_carefully()

    def _group_or_reread(self) -> None:
        try:
            self._group(self.files)
        except duckdb.InvalidInputException as err:
            if macros.ODD not in str(err):
                self._group_carefully()
                return
            self._read_odd_amounts()
            self._group_or_reread()
        except (duckdb.IOException, duckdb.SerializationException, duckdb.NotImplementedException):
            self._group_carefully()

    def _group_carefully(self) -> None:
        self._read_odd_amounts()
        self._group([self._readable(file) for file in self.files])

    def _read_odd_amounts(self) -> None:
        """Have amounts that DuckDB cannot read by itself read in Python, from now on."""
        if not self.reads_odd_amounts:
            self.reads_odd_amounts = True
            self.db.execute("DROP MACRO odd_amount")
            self.db.create_function(  # type: ignore[call-overload]
                "odd_amount", read_amount, ["VARCHAR"], "VARCHAR", null_handling="special"
            )

    def quarantined(self) -> list[tuple[str | None, int]]:
        """Give how many rows of each period were set aside; None where the period is unknown."""
        counts: dict[str | None, int] = {}
        for _, period, rows in self.db.execute(facts.FAULTY).fetchall():
            key = None if period is None else str(period)
            counts[key] = counts.get(key, 0) + rows
        unreadable = sum(len(each.faults) for each in self.reread.values())
        if unreadable:
            counts[None] = counts.get(None, 0) + unreadable
        return list(counts.items())

    def examples(self) -> list[dict[str, Any]]:
        """Name the first rows set aside: file, line, column, reason."""
        found = [
            {"file": path, "line": line, "column": "", "reason": reason}
            for path, each in self.reread.items()
            for line, reason in each.faults
        ]
        if self.db.execute("SELECT count(*) FROM groups WHERE fault IS NOT NULL").fetchone() != (
            0,
        ):
            for file in self.files:
                if len(found) >= MAX_EXAMPLES:
                    break
                found += self._faulty(file)
        return sorted(found, key=lambda row: (row["file"], row["line"]))[:MAX_EXAMPLES]

    def notes(self) -> Iterator[dict[str, Any]]:
        """Tell what the reading itself met."""
        for path, each in self.reread.items():
            if each.padded:
                yield _note(
                    f"{Path(path).name} has rows with fewer cells than its header; "
                    "the missing ones are taken as empty",
                    rows=each.padded,
                )
        for column in self.day_first:
            yield _note("Dates are written day first: the column has days above 12", column)
        unknown = {c for f in self.files for c in f["columns"] if not focus.is_known(c)}
        if unknown:
            yield _note(f"Columns that FOCUS does not have are not read: {_listed(unknown)}")

    def columns_read(self) -> set[str]:
        """Give the FOCUS columns that every file has."""
        return set.intersection(*(set(file["focus"]) for file in self.files))

    def _group(self, files: list[File]) -> None:
        shapes = shapes_of(files)
        self.db.execute(facts.group([self._select(shape) for shape in shapes]))

    def _select(self, shape: Shape) -> str:
        types = self._types(shape)
        return line_items(
            shape, types, day_first=self._is_day_first(shape, types), period=self.period
        )

    def _types(self, shape: Shape) -> Mapping[str, str]:
        raw = ", ".join(f'{sql} AS "{name}"' for name, sql in shape.focus.items())
        described = self.db.execute(f"DESCRIBE SELECT {raw} FROM {shape.source()}").fetchall()
        return {str(name): str(kind) for name, kind, *_ in described}

    def _is_day_first(self, shape: Shape, types: Mapping[str, str]) -> bool:
        """Tell whether slashed dates are D/M/Y: some day is above 12, and no month is."""
        proven = False
        for name in focus.PERIOD_STARTS:
            if types.get(name) != "VARCHAR":
                continue
            column, source = shape.focus[name], shape.source()
            one = self.db.execute(f"SELECT {column} FROM {source} LIMIT 1").fetchone()
            if one is None or "/" not in str(one[0]):
                continue
            first, second = (
                f"max(TRY_CAST(split_part({column}, '/', {place}) AS INT))" for place in (1, 2)
            )
            numbers = self.db.execute(f"SELECT {first}, {second} FROM {source}").fetchone()
            days, months = numbers or (None, None)
            if (months or 0) > 12:
                return False
            if (days or 0) > 12:
                proven = True
                self.day_first = sorted({*self.day_first, name})
        return proven

    def _readable(self, file: File) -> File:
        """Give the file if DuckDB reads it alone, else a copy of it that DuckDB can read."""
        if _hides_a_giant(file):
            return self._reread(file)
        try:
            (shape,) = shapes_of([file])
            self.db.execute(f"SELECT max(fault), sum(billed) FROM ({self._select(shape)})")
        except duckdb.Error as err:
            if file["delimiter"] is None:
                raise InputError(
                    f"is a damaged or cut-off Parquet file ({str(err).splitlines()[0][:200]})",
                    file=file["path"],
                    do="Fetch it again",
                ) from err
            return self._reread(file)
        return file

    def _reread(self, file: File) -> File:
        copy, self.reread[file["path"]] = self._copied(file)
        self.copies[file["path"]] = copy
        return copy

    def _copied(self, file: File) -> tuple[File, Reread]:
        copy = self.folder / f"copy-{len(self.copies)}.csv"
        reread = rewrite(Path(file["path"]), file["columns"], file["delimiter"], copy)
        readable = {
            **file,
            "path": str(copy),
            "columns": [*file["columns"], LINE],
            "delimiter": ",",
            "line": f'CAST("{LINE}" AS BIGINT)',
        }
        return readable, reread

    def _faulty(self, file: File) -> list[dict[str, Any]]:
        """Name a file's faulty rows; a text file is read row by row for their lines."""
        readable = self.copies.get(file["path"], file)
        (shape,) = shapes_of([readable])
        if shape.has_no_lines:
            count = f"SELECT count(fault) FROM ({self._select(shape)})"
            if self.db.execute(count).fetchone() == (0,):
                return []
            (shape,) = shapes_of([self._copied(file)[0]])
        rows = self.db.execute(
            f"SELECT fault, line FROM ({self._select(shape)}) WHERE fault IS NOT NULL "
            f"ORDER BY line LIMIT {MAX_EXAMPLES}"
        ).fetchall()
        return [
            {
                "file": file["path"],
                "line": line,
                "column": reading.FAULTS[fault][0],
                "reason": reading.FAULTS[fault][1],
            }
            for fault, line in rows
        ]


def _hides_a_giant(file: File) -> bool:
    """Tell whether a text file has a line that DuckDB would pass over without a word.

    One that outgrows its buffer: the last of a plain file, any of a packed one; all others it
    refuses.
    """
    longest, path = reading.MAX_LINE_BYTES, Path(file["path"])
    if file["delimiter"] is None:
        return False
    with path.open("rb") as opened:
        if opened.read(2) != b"\x1f\x8b":
            opened.seek(-min(longest, path.stat().st_size), os.SEEK_END)
            end = opened.read()
            return len(end) == longest and b"\n" not in end[:-1]
    try:
        with gzip.open(path, "rb") as unpacked:
            while len(part := unpacked.read(longest)) == longest:
                if b"\n" not in part:
                    return True
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return False  # whoever reads the file says what is wrong with it
    return False


def _note(note: str, column: str = "", rows: int | None = None) -> dict[str, Any]:
    return {"period": None, "column": column, "rows": rows, "note": note}


def _listed(columns: set[str]) -> str:
    shown = sorted(columns)[:20]
    return ", ".join(shown) + (f" and {len(columns) - 20} more" if len(columns) > 20 else "")
