"""The schema goes up from nothing and down again, and equals what the code declares."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.schema import SchemaItem

from spendwatt.errors import SchemaError
from storage import migrate, tables
from storage.engine import Store, open_store
from storage.schema import metadata


def test_migrated_schema_equals_the_declared_tables(store: Store) -> None:
    assert tables.__all__
    with store.read() as connection:
        engine = connection.dialect.name

        def is_for_this_engine(item: SchemaItem, *_: object) -> bool:
            return bool(item.info.get("engine", engine) == engine)

        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": is_for_this_engine}
        )
        assert compare_metadata(context, metadata) == []


def test_schema_goes_down_to_nothing_and_up_again(store: Store) -> None:
    migrate.downgrade(store, "base")
    assert set(inspect(store.engine).get_table_names()) <= {"alembic_version"}
    migrate.upgrade(store)
    assert migrate.current(store) == migrate.head()


def test_every_column_says_what_it_holds() -> None:
    silent = [
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if not column.comment
    ]
    assert silent == []


def test_old_schema_is_refused_and_the_command_named(store_url: str) -> None:
    empty = open_store(store_url)
    with pytest.raises(SchemaError, match="spendwatt db upgrade"):
        migrate.require_current(empty)
    empty.close()


def test_unknown_revision_is_refused_and_left_alone(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    with pytest.raises(SchemaError, match="from_the_future"):
        migrate.upgrade(store)
    with pytest.raises(SchemaError, match="newer Spendwatt"):
        migrate.require_current(store)
    assert migrate.current(store) == "from_the_future"
