"""Reads files of GPU readings line by line: text or gzip, any size, in bounded memory."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from spendwatt.errors import InputError
from spendwatt.local_files import is_special

Line = tuple[int, str]
"""Its number in the file, from 1, and its text without the end."""

_LONGEST_LINE = 1 << 20
_GZIP = b"\x1f\x8b"


@dataclass(slots=True)
class ReadReport:
    """What became of a file's rows; grows while it is read."""

    file: str
    rows: int = 0
    """Rows that were read."""
    refused: dict[str, int] = field(default_factory=dict)
    """Reason -> number of rows."""
    first_refused: tuple[int, str] | None = None
    """Line and reason of the first row that was refused."""
    skipped: list[str] = field(default_factory=list)
    """Parts of the file that hold no readings, each with the reason."""

    def refuse(self, line: int, reason: str) -> None:
        """Count a row that cannot be used."""
        self.refused[reason] = self.refused.get(reason, 0) + 1
        if self.first_refused is None:
            self.first_refused = (line, reason)

    def require_rows(self) -> None:
        """Raise InputError where not a single row could be read."""
        if self.rows:
            return
        line, reason = self.first_refused or (None, "it holds no readings")
        raise InputError(reason, file=self.file, line=line, do="Nothing was stored; mend the file")


class RowError(ValueError):
    """A row cannot be used; the text says why, without the row's own values."""


def lines_of(path: Path) -> Iterator[Line]:
    """Yield the lines of a text or gzip file. Raises InputError."""
    number = 0
    try:
        with _open(path) as file:
            while text := file.readline(_LONGEST_LINE):
                number += 1
                if len(text) >= _LONGEST_LINE:
                    raise InputError(
                        f"the line is longer than {_LONGEST_LINE:,} characters",
                        file=str(path),
                        line=number,
                        do="This is no table of readings",
                    )
                yield number, text.rstrip("\r\n")
    except (EOFError, zlib.error, gzip.BadGzipFile) as err:
        raise InputError(
            "the compressed data ends early or is damaged",
            file=str(path),
            line=number,
            do="Copy the file again",
        ) from err
    except UnicodeError as err:
        raise InputError(
            "it is not UTF-8 text", file=str(path), line=number + 1, do="Convert it to UTF-8"
        ) from err
    except OSError as err:
        raise InputError(err.strerror or str(err), file=str(path), do="Check the path") from err


def cells_of(line: str) -> list[str]:
    """Split a CSV line into stripped cells. Raises RowError."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], skipinitialspace=True), [])]
    except csv.Error as err:
        raise RowError("is not a row of CSV") from err


def number_of(text: str, column: str, *, units: Iterable[str] = (), most: float) -> float:
    """Read a number from 0 to `most`, with or without one of the units. Raises RowError."""
    digits, _, unit = text.partition(" ")
    try:
        value = float(digits)
    except ValueError:
        raise RowError(f"{column} is not a number") from None
    if unit and unit not in units:
        raise RowError(f"{column} has an unknown unit")
    if not 0 <= value <= most:  # false for NaN too
        raise RowError(f"{column} is out of range")
    return value


@contextmanager
def _open(path: Path) -> Iterator[IO[str]]:
    if is_special(path):
        raise InputError("it is no regular file", file=str(path), do="Save it as a file first")
    with path.open("rb") as raw:
        is_gzip = raw.peek(2)[:2] == _GZIP
        if not is_gzip and b"\0" in raw.peek(4096)[:4096]:
            raise InputError("it is not text", file=str(path), do="Give a CSV file, plain or gzip")
    with cast(
        "IO[str]",
        gzip.open(path, "rt", encoding="utf-8-sig") if is_gzip else path.open(encoding="utf-8-sig"),
    ) as file:
        yield file
