"""Which tables Citus spreads, and by what."""

from __future__ import annotations

import pytest

from spendwatt.errors import StorageError
from storage import migrate
from storage.distribute import distribute, placements
from storage.engine import open_store
from storage.schema import metadata

PLACED = {placement.table: placement.column for placement in placements()}


def test_every_spread_table_has_its_column_in_every_key() -> None:
    for name, column in PLACED.items():
        if column is not None:
            table = metadata.tables[name]
            assert column in table.primary_key.columns
            for constraint in table.constraints:
                unique = constraint.__visit_name__ == "unique_constraint"
                assert not unique or column in constraint.columns


def test_what_a_spread_table_refers_to_lies_on_every_worker() -> None:
    for name, column in PLACED.items():
        for key in metadata.tables[name].foreign_keys:
            target = key.column.table.name
            assert target in PLACED
            assert PLACED[target] is None or PLACED[target] == column


def test_facts_go_by_resource_and_readings_by_gpu() -> None:
    assert PLACED["cost_daily"] == PLACED["cost_month_resource"] == "resource_id"
    assert PLACED["gpu_minute"] == PLACED["gpu_hour"] == "gpu_id"
    assert all(PLACED[name] is None for name in ("service", "region", "delivery", "provider"))
    assert not {"finding", "notice", "run", "cost_ledger"} & {*PLACED}


def test_a_database_without_citus_says_so(new_postgresql_url: str) -> None:
    store = open_store(new_postgresql_url)
    migrate.upgrade(store)
    with pytest.raises(StorageError, match="CREATE EXTENSION citus"):
        distribute(store)
    store.close()
