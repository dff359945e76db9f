"""Moves CSV files of rows into tables: by COPY on PostgreSQL, as tuples on SQLite."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

_CHUNK_BYTES = 1 << 20
_BATCH_ROWS = 1_000
"""Tuples made at once: with many more, Python's garbage collector looks at them again and again."""


def load(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    path: Path,
    *,
    first: int | None = None,
    required: Collection[str] = (),
) -> None:
    """Append the rows of a headerless CSV file to a table; an empty cell is null.

    `first` is put before the cells of each row; the file must then hold no line breaks in cells.
    `required` columns are never empty, which saves SQLite looking.
    """
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, _chunks(path, first))
    else:
        _insert(connection, table, columns, path, first=first, required=required)


def _copy(
    connection: Connection, table: str, columns: Sequence[str], chunks: Iterable[bytes]
) -> None:
    import psycopg

    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT csv)"
    driver: psycopg.Connection[object] = connection.connection.driver_connection  # type: ignore[assignment]
    try:
        with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for chunk in chunks:
                copy.write(chunk)
    except psycopg.Error as err:
        # SQLAlchemy did not see this call; the store explains its errors only.
        raise DBAPIError(statement, None, err) from err


def _chunks(path: Path, first: int | None) -> Iterator[bytes]:
    """Read a file, `first` put before each line."""
    with path.open("rb") as file:
        if first is None:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
            return
        prefix = b"%d," % first
        while lines := file.readlines(_CHUNK_BYTES):
            yield prefix + prefix.join(lines)


def _insert(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    path: Path,
    *,
    first: int | None,
    required: Collection[str],
) -> None:
    # SQLite turns the texts of the file into numbers by the columns' affinity.
    filled = columns if first is None else columns[1:]
    marks = ["?" if name in required else "nullif(?, '')" for name in filled]
    values = ", ".join([*([] if first is None else [str(first)]), *marks])
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})"  # noqa: S608
    with path.open(encoding="utf-8", newline="") as file:
        rows = map(tuple, csv.reader(file))
        while batch := list(islice(rows, _BATCH_ROWS)):
            connection.exec_driver_sql(statement, batch)
