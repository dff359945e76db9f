"""Opens bills that lie in files: finds them, tells their form, and makes them one delivery."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from collectors.billing import dialects
from spendwatt.errors import InputError, UsageError
from spendwatt.local_files import is_special
from spendwatt.records import BillFile, Delivery

SUFFIXES = (".csv", ".csv.gz", ".parquet")
"""Names that a folder is searched for; a path given by itself may have any name."""

_HEADER_BYTES = 1 << 20
_DELIMITERS = ",;\t|"
_NEXT = "Give a FOCUS 1.0 to 1.4 export as CSV, CSV.gz or Parquet"
_FOREIGN = {
    b"PK\x03\x04": "is a zip or an office file, not CSV or Parquet",
    b"\xd0\xcf\x11\xe0": "is an office file, not CSV or Parquet",
    b"%PDF": "is a PDF, not CSV or Parquet",
}
"""First four bytes of what people take for a table -> what it is."""


def snapshot(
    paths: Iterable[Path],
    source: str,
    *,
    dialect: str = dialects.AUTO,
    received_at: datetime | None = None,
    default_currency: str | None = None,
) -> Delivery:
    """Make all files at `paths` (folders recursively) one whole snapshot of one source.

    Raises InputError naming the first file that is not a bill.
    """
    found = find(paths)
    return Delivery(
        source=source,
        files=tuple(open_bill(path, dialect) for path in found),
        fingerprint=fingerprint(found),
        received_at=received_at,
        default_currency=default_currency,
    )


def find(paths: Iterable[Path]) -> list[Path]:
    """List the files at `paths`, folders recursively, sorted, each once. Raises InputError.

    In a folder, hidden files and names that are no bill's (manifests, notes) are passed over.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            raise InputError("does not exist", file=str(path), do="Check the path")
        if is_special(path) and not path.is_dir():
            raise InputError("is no regular file", file=str(path), do="Save it as a file first")
        held = _in_folder(path) if path.is_dir() else [path]
        if not held:
            raise InputError(
                "holds no bill",
                file=str(path),
                do=f"Put files there that end in {', '.join(SUFFIXES)}",
            )
        found.update({each.resolve(): each for each in held})
    return sorted(found.values())


def _in_folder(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.name.lower().endswith(SUFFIXES)
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def fingerprint(files: Sequence[Path]) -> str:
    """Give a mark that changes when a file comes, goes, or is written anew."""
    mark = hashlib.sha256()
    for path in files:
        known = path.stat()
        mark.update(f"{path}\0{known.st_size}\0{known.st_mtime_ns}\n".encode())
    return mark.hexdigest()


def open_bill(path: Path, dialect: str = dialects.AUTO) -> BillFile:
    """Tell a file's form, columns and dialect from its beginning. Raises InputError, UsageError."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if not start:
            raise InputError("is empty", file=str(path), do="Remove it or fetch it again")
        if start in _FOREIGN:
            raise InputError(_FOREIGN[start], file=str(path), do=_NEXT)
        is_parquet = start == b"PAR1"
        columns, delimiter = (_parquet(path), None) if is_parquet else _text(path, start, dialect)
    except (EOFError, zlib.error, gzip.BadGzipFile) as err:
        raise InputError(
            "is a damaged or cut-off gzip file", file=str(path), do="Fetch it again"
        ) from err
    except OSError as err:
        raise InputError(
            f"cannot be read: {err.strerror or err}", file=str(path), do="Check the file"
        ) from err
    return _recognized(path, columns, delimiter, dialect)


def _recognized(
    path: Path, columns: tuple[str, ...], delimiter: str | None, dialect: str
) -> BillFile:
    found = dialects.recognize(columns, dialect)
    if found is None:
        shown = ", ".join(columns[:8])[:200] + (", ..." if len(columns) > 8 else "")
        raise InputError(
            "is not a bill that is understood: it has neither BilledCost nor EffectiveCost "
            f"(its columns: {shown})",
            file=str(path),
            do=_NEXT,
        )
    return BillFile(path, found[0], columns, found[1], delimiter)


def _parquet(path: Path) -> tuple[str, ...]:
    import duckdb

    try:
        with duckdb.connect() as connection:
            rows = connection.execute(
                "SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet(?))",
                [str(path)],
            ).fetchall()
    except duckdb.Error as err:
        raise InputError(
            f"is a damaged or cut-off Parquet file ({str(err).splitlines()[0][:200]})",
            file=str(path),
            do="Fetch it again",
        ) from err
    return tuple(name for (name,) in rows)


def _text(path: Path, start: bytes, dialect: str) -> tuple[tuple[str, ...], str]:
    opened = gzip.open if start.startswith(b"\x1f\x8b") else open
    with opened(path, "rb") as file:
        beginning = file.read(_HEADER_BYTES)
    header = _header(path, beginning)
    rows = {
        mark: tuple(next(csv.reader(io.StringIO(header), delimiter=mark))) for mark in _DELIMITERS
    }
    known = [mark for mark, columns in rows.items() if dialects.recognize(columns, dialect)]
    delimiter = known[0] if known else ","
    _refuse_twins(path, rows[delimiter])
    return rows[delimiter], delimiter


def _header(path: Path, beginning: bytes) -> str:
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("is UTF-16 text", file=str(path), line=1, do="Save it as UTF-8")
    line = beginning.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].strip(b"\r")
    if not line.strip() or b"\0" in line:
        raise InputError("has no header line", file=str(path), line=1, do=_NEXT)
    try:
        return line.decode()
    except UnicodeDecodeError as err:
        raise InputError("is not UTF-8 text", file=str(path), line=1, do=_NEXT) from err


def _refuse_twins(path: Path, columns: Sequence[str]) -> None:
    seen: set[str] = set()
    for column in columns:
        if column.lower() in seen:
            raise InputError(
                f'names the column "{column}" twice',
                file=str(path),
                line=1,
                do="Remove one of the two",
            )
        seen.add(column.lower())


def source_of(paths: Sequence[Path], source: str | None) -> str:
    """Give the source's name: as asked for, else a single path's name without its suffix."""
    if source is not None:
        return source
    if len(paths) != 1:
        raise UsageError(
            "several paths need the name of their source",
            do="Add --source NAME",
            parameter="source",
        )
    name = paths[0].resolve().name
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name
