"""Writes rows by key, so that the same thing written twice is there once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import Column

_BATCH = 20_000


def replace_rows(connection: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Write rows given in the order of the table's columns; each replaces that of its key.

    Two rows of one key must not be among them.
    """
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_sqlite_statement(table), [tuple(row) for row in rows])
        return
    for start in range(0, len(rows), _BATCH):
        columns = tuple(list(column) for column in zip(*rows[start : start + _BATCH], strict=True))
        connection.exec_driver_sql(_postgresql_statement(table), columns)


def replace_from(connection: Connection, table: Table, rows: Select[Any]) -> None:
    """Write the rows of a query, whose columns are named as the table's; it must have a WHERE."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    names = [column.name for column in rows.selected_columns]
    statement = insert(table).from_select(names, rows)
    keys = list(table.primary_key.columns)
    changed = {name: statement.excluded[name] for name in names if table.c[name] not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))


@lru_cache
def _sqlite_statement(table: Table) -> str:
    marks = ", ".join("?" * len(table.columns))
    return (
        f"INSERT OR REPLACE INTO {table.name} ({_names(table)}) "  # noqa: S608 - names of the schema
        f"VALUES ({marks})"
    )


@lru_cache
def _postgresql_statement(table: Table) -> str:
    """Send whole columns as arrays: one statement for any number of rows."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # the library has no types here
    arrays = ", ".join(f"%s::{c.type.compile(dialect)}[]" for c in table.columns)
    keys = ", ".join(column.name for column in table.primary_key.columns)
    # Never DO NOTHING: a row that is there already must be locked until this transaction ends, or
    # whoever takes it off a list meanwhile would miss what it stands for.
    changed = [column for column in table.columns if not column.primary_key] or table.columns
    changes = ", ".join(f"{column.name} = excluded.{column.name}" for column in changed)
    return (
        f"INSERT INTO {table.name} ({_names(table)}) "  # noqa: S608 - names of the schema
        f"SELECT * FROM unnest({arrays}) ON CONFLICT ({keys}) DO UPDATE SET {changes}"
    )


def _names(table: Table) -> str:
    columns: list[Column[Any]] = list(table.columns)
    return ", ".join(column.name for column in columns)
