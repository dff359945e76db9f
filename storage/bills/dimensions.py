"""Gives the texts of a staged delivery their ids.

In a transaction of its own, before the swap: a text without facts says nothing, so that being
killed in between leaves no trace that anybody can see, and the write lock is held for less long.
"""

# ruff: noqa: S608 - the SQL is built from our own constants; texts from outside are quoted

from __future__ import annotations

import csv
from pathlib import Path

from sqlalchemy import Connection

from storage.bulk import load
from storage.engine import Store

_KEYS: dict[str, tuple[str, str, str]] = {
    "provider": ("text", "w.text", "d.text = w.text"),
    "tag_set": ("digest, tags", "w.text, w.more", "d.digest = w.text"),
    "service": (
        "provider_id, text, category",
        "p.id, w.text, w.more",
        "d.provider_id = p.id AND d.text = w.text AND d.category = w.more",
    ),
}
_OTHERS = ("provider_id, text", "p.id, w.text", "d.provider_id = p.id AND d.text = w.text")
"""Columns that a row is made of, where they come from, and what finds it again."""


def resolve(store: Store, folder: Path, tables: tuple[str, ...]) -> None:
    """Find or make the row of each text in `texts-TABLE.csv`; write code and id to `ids-TABLE.csv`.

    Providers must come first among the tables.
    """
    with store.write() as connection:
        for table in tables:
            _wanted(connection, folder / f"texts-{table}.csv")
            _resolve(connection, table, folder / f"ids-{table}.csv")
            if table == "account":
                _name_accounts(connection, folder / "names-account.csv")
            connection.exec_driver_sql("DROP TABLE wanted")


def _wanted(connection: Connection, texts: Path) -> None:
    connection.exec_driver_sql(
        "CREATE TEMPORARY TABLE wanted (code BIGINT PRIMARY KEY, provider TEXT, text TEXT, "
        "more TEXT, id BIGINT)"
    )
    load(connection, "wanted", ("code", "provider", "text", "more"), texts)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ANALYZE wanted")


def _resolve(connection: Connection, table: str, ids: Path) -> None:
    columns, values, same = _KEYS.get(table, _OTHERS)
    joined = "wanted w" if "p." not in values else "wanted w JOIN provider p ON p.text = w.provider"
    connection.exec_driver_sql(
        f"INSERT INTO {table} ({columns}) SELECT {values} FROM {joined} "
        f"WHERE NOT EXISTS (SELECT 1 FROM {table} d WHERE {same}) "
        # Another writer may have added it since.
        "ORDER BY w.code ON CONFLICT DO NOTHING"
    )
    found = connection.exec_driver_sql(
        f"SELECT w.code, d.id FROM {joined} JOIN {table} d ON {same} ORDER BY w.code"
    )
    with ids.open("w", newline="") as file:
        writer = csv.writer(file)
        for part in found.partitions(10_000):
            writer.writerows(tuple(row) for row in part)
    if table == "account":
        connection.exec_driver_sql(
            "UPDATE wanted SET id = (SELECT d.id FROM account d JOIN provider p "
            "ON p.id = d.provider_id WHERE p.text = wanted.provider AND d.text = wanted.text)"
        )


def _name_accounts(connection: Connection, names: Path) -> None:
    """Keep what accounts are called now; a name of before is overwritten."""
    connection.exec_driver_sql("CREATE TEMPORARY TABLE named (code BIGINT, name TEXT)")
    load(connection, "named", ("code", "name"), names)
    connection.exec_driver_sql(
        "INSERT INTO account_name (account_id, name) "
        "SELECT w.id, n.name FROM named n JOIN wanted w ON w.code = n.code WHERE true "
        "ON CONFLICT (account_id) DO UPDATE SET name = excluded.name"
    )
    connection.exec_driver_sql("DROP TABLE named")
