"""Brings the database to this version's schema, and refuses to work on another."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from spendwatt.errors import SchemaError
from storage.engine import Store

_LOCK_KEY = 0x5350454E44  # "SPEND": one schema change at a time per PostgreSQL database
_HERE = Path(__file__).parent


def upgrade(store: Store, revision: str = "head") -> None:
    """Upgrade the schema in one transaction, under a lock. Raises SchemaError, StorageError."""
    with store.write() as connection:
        _lock(connection)
        _refuse_foreign(connection, store.name)
        command.upgrade(_config(connection), revision)


def downgrade(store: Store, revision: str) -> None:
    """Take schema changes back down to `revision`; "base" empties the database."""
    with store.write() as connection:
        _lock(connection)
        command.downgrade(_config(connection), revision)


def current(store: Store) -> str | None:
    """Give the revision that the database is at, None for an empty one."""
    with store.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Give the revision that this version needs. Raises SchemaError where none is installed."""
    revision = _scripts().get_current_head()
    if revision is None:
        raise SchemaError("this installation holds no migrations", do="Install it again")
    return revision


def require_current(store: Store) -> None:
    """Raise SchemaError unless the database has exactly this version's schema."""
    have, need = current(store), head()
    if have == need:
        return
    if have is not None and not _known(have):
        raise _foreign(store.name, have)
    state = "is empty" if have is None else f"has schema {have}"
    raise SchemaError(
        f"the database {store.name} {state}, this version needs {need}",
        do="Run `spendwatt db upgrade`",
    )


def _refuse_foreign(connection: Connection, name: str) -> None:
    have = MigrationContext.configure(connection).get_current_revision()
    if have is not None and not _known(have):
        raise _foreign(name, have)


def _foreign(name: str, have: str) -> SchemaError:
    return SchemaError(
        f"the database {name} has schema {have}, which this version does not know",
        do="Use the newer Spendwatt that made it, or another database in [storage] url",
    )


def _known(revision: str) -> bool:
    try:
        return _scripts().get_revision(revision) is not None
    except CommandError:
        return False


def _lock(connection: Connection) -> None:
    # SQLite's write transaction is a lock by itself.
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")


def _location() -> Path:
    """Give the migrations' folder: inside the installed package, or beside it in a checkout."""
    installed = _HERE / "migrations"
    return installed if installed.is_dir() else _HERE.parent / "alembic"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_location()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
