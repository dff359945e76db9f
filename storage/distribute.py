"""Spreads the large tables over the workers of Citus, PostgreSQL's distributed extension."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Table, text

from spendwatt.errors import StorageError, UsageError
from storage import tables  # noqa: F401 - fills the metadata
from storage.engine import Store
from storage.schema import metadata

_BY_RESOURCE = {"cost_daily", "cost_month_resource"}
_REFERENCES = {"account_name", "delivery", "gpu", "source", "tag_set"}


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a table's rows lie: spread by `column`, or whole on each worker without one."""

    table: str
    column: str | None

    @property
    def statement(self) -> str:
        """Give the call that brings it there, with its rows."""
        if self.column is None:
            return f"SELECT create_reference_table('{self.table}')"
        return f"SELECT create_distributed_table('{self.table}', '{self.column}')"


def placements() -> list[Placement]:
    """List the tables that leave the coordinator, references first; all others stay there.

    Facts are spread by resource, readings by GPU: both are even, and each row of a table that is
    spread holds its key. What facts refer to lies on every worker.
    """
    placed = [p for table in metadata.sorted_tables for p in _placement(table)]
    return sorted(placed, key=lambda placement: placement.column is not None)


def _placement(table: Table) -> Iterator[Placement]:
    key = {column.name for column in table.primary_key}
    is_dimension = key == {"id"} and "text" in table.columns
    if table.name in _REFERENCES or is_dimension:
        yield Placement(table.name, None)
    elif table.name in _BY_RESOURCE:
        yield Placement(table.name, "resource_id")
    elif "gpu_id" in key:
        yield Placement(table.name, "gpu_id")


def distribute(store: Store) -> list[Placement]:
    """Spread what is not spread yet; give what was done. Raises UsageError, StorageError."""
    if store.is_sqlite:
        raise UsageError(
            f"the database {store.name} is a file, which cannot be spread",
            do="Use PostgreSQL with Citus in [storage] url",
        )
    with store.write() as connection:
        _require_citus(connection, store.name)
        known = set(connection.scalars(text("SELECT table_name::text FROM citus_tables")))
        todo = [placement for placement in placements() if placement.table not in known]
        for placement in todo:
            connection.execute(text(placement.statement))
        return todo


def _require_citus(connection: Connection, name: str) -> None:
    installed = text("SELECT count(*) FROM pg_extension WHERE extname = 'citus'")
    if not connection.scalar(installed):
        raise StorageError(
            f"the database {name} has no extension citus",
            do="Install Citus, then run CREATE EXTENSION citus in this database",
        )
