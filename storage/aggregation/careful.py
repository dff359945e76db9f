"""Reads a text file that DuckDB will not, row by row, and writes what can be read anew.

Slow beside DuckDB, so used only where that met something odd. It pads short rows, drops empty
surplus cells, sets unreadable rows aside, and keeps each row's line for the quality report.
"""

from __future__ import annotations

import csv
import gzip
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from spendwatt.errors import InputError

MAX_ROW = 1 << 20
"""Longest row, in characters."""

MAX_LINE = 1 << 26
"""Longest physical line that is looked at, in bytes."""

LINE = "spendwatt_line"
"""Column of the copy that holds each row's line in the original."""


@dataclass(slots=True)
class Reread:
    """What came out of reading a file row by row."""

    faults: list[tuple[int, str]] = field(default_factory=list)
    """(line, what is wrong) of each row set aside."""
    rows: int = 0
    """Rows that were written."""
    padded: int = 0
    """Rows among them that had fewer cells than the header."""


def rewrite(path: Path, columns: Sequence[str], delimiter: str, to: Path) -> Reread:
    """Copy the readable rows of `path` to `to`, comma-separated, each with its line.

    Raises InputError for a file that is cut off, damaged, or not UTF-8.
    """
    csv.field_size_limit(sys.maxsize)
    found = Reread()
    with _opened(path) as file, to.open("w", encoding="utf-8", newline="") as copy:
        writer = csv.writer(copy, quoting=csv.QUOTE_ALL)
        writer.writerow([*columns, LINE])
        for line, row in _rows(path, file, delimiter, found, len(columns)):
            writer.writerow([*row, line])
            found.rows += 1
    return found


def _rows(
    path: Path, file: BinaryIO, delimiter: str, found: Reread, width: int
) -> Iterator[tuple[int, list[str]]]:
    lines = _Lines(path, file)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    is_header = True
    while True:
        line = lines.number + 1
        try:
            row = next(reader, None)
        except csv.Error as err:
            if lines.is_at_end:
                raise _cut_off(path, line) from err
            found.faults.append((line, f"is not readable as CSV ({err})"))
            continue
        if row is None:
            return
        if is_header or not row:
            is_header = False
            continue
        fault = _fitted(row, width, found, path, lines)
        if fault is None:
            yield line, row
        else:
            found.faults.append((line, fault))


def _fitted(row: list[str], width: int, found: Reread, path: Path, lines: _Lines) -> str | None:
    """Bring a row to the header's width, in place; or say why that cannot be."""
    if sum(map(len, row)) > MAX_ROW:
        return f"is longer than {MAX_ROW:,} characters"
    if len(row) < width:
        if lines.ends_without_newline:
            raise _cut_off(path, lines.number)
        found.padded += 1
        row.extend([""] * (width - len(row)))
    elif any(row[width:]):
        return f"has {len(row)} cells, the header has {width}"
    del row[width:]
    return None


class _Lines:
    """The physical lines of a file; knows how many it gave and how the last one ended."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.file = file
        self.number = 0
        self.is_at_end = False
        self.ends_without_newline = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        try:
            line = self.file.readline(MAX_LINE)
            self.number += 1
            text = line.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError as err:
            byte = f"{err.object[err.start]:#04x}"
            raise self._refused(f"is not UTF-8 text (byte {byte})", "Save it as UTF-8") from err
        except (EOFError, zlib.error, gzip.BadGzipFile) as err:
            raise self._refused("is a damaged or cut-off gzip file", "Fetch it again") from err
        if not line:
            self.is_at_end = True
            raise StopIteration
        self.ends_without_newline = not line.endswith((b"\n", b"\r"))
        if self.ends_without_newline and len(line) >= MAX_LINE:
            what = f"has a line of more than {MAX_LINE:,} bytes"
            raise self._refused(what, "Fetch it again; this is no table of line items")
        # PostgreSQL and C programs end a text at NUL, and csv refuses it.
        return text.replace("\0", "")

    def _refused(self, what: str, do: str) -> InputError:
        return InputError(what, file=str(self.path), line=self.number, do=do)


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        is_gzip = file.read(2) == b"\x1f\x8b"
    return cast("BinaryIO", gzip.open(path, "rb")) if is_gzip else path.open("rb")


def _cut_off(path: Path, line: int) -> InputError:
    return InputError(
        "ends in the middle of a row: the file is cut off or still being written",
        file=str(path),
        line=line,
        do="Wait until it is whole, or fetch it again",
    )
