"""Opens the database, and gives the two ways into it: `read()` and `write()`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from spendwatt.errors import ConfigError, StorageError

BUSY_TIMEOUT_SECONDS = 30
_WRITES = "spendwatt_writes"

_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # A committed notice or delivery must survive a power cut, not only a killed process.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}",
    "PRAGMA temp_store = MEMORY",
)

# By SQLite's primary result code: what it means here, what to do, whether to try again.
_SQLITE_ERRORS: dict[int, tuple[str, str, bool]] = {
    sqlite3.SQLITE_BUSY: ("is locked by another writer", "Try again when it has finished", True),
    sqlite3.SQLITE_LOCKED: ("is locked by another writer", "Try again when it has finished", True),
    sqlite3.SQLITE_FULL: ("has no room: the disk is full", "Free space and try again", True),
    sqlite3.SQLITE_READONLY: (
        "cannot be written",
        "Check the owner and mode of the file and of its folder",
        False,
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened: its folder is missing or cannot be written",
        "Check [storage] url, and the folder's owner and mode",
        True,
    ),
    sqlite3.SQLITE_IOERR: ("cannot be read or written", "Check the disk and its free space", True),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "Restore it from a backup", False),
    sqlite3.SQLITE_NOTADB: ("is not an SQLite database", "Check [storage] url", False),
    sqlite3.SQLITE_PERM: ("may not be opened", "Check the file's owner and mode", False),
}

# By the first two characters of PostgreSQL's SQLSTATE.
_POSTGRESQL_ERRORS: dict[str, tuple[str, str, bool]] = {
    "08": ("cannot be reached", "Check that the server runs and [storage] url", True),
    "40": ("rolled the transaction back", "Try again", True),
    "42": ("refused the statement", "Run `spendwatt db current`; check the user's rights", False),
    "53": ("has no room or too many connections", "Free resources and try again", True),
    "55": ("is locked by another writer", "Try again when it has finished", True),
    "57": ("is shutting down or cancelled the statement", "Try again", True),
}


class Store:
    """An open database. Cheap to make; connects on first use; safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def is_sqlite(self) -> bool:
        """Tell whether this is the embedded engine."""
        return self.engine.dialect.name == "sqlite"

    @property
    def name(self) -> str:
        """Give the database's address without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open one consistent view. Raises StorageError."""
        with self._errors(), self.engine.connect() as connection, connection.begin():
            if not self.is_sqlite:
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open one transaction that may write; commits at the end, or leaves nothing behind.

        SQLite takes its single write lock here and not at the first statement, so that two writers
        queue instead of one failing half-way. Raises StorageError.
        """
        with self._errors(), self.engine.connect() as connection:
            connection.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as err:
            raise _explained(err, self.name) from err
        except PoolTimeout as err:
            raise StorageError(
                f"the database {self.name} has no free connection: all of ours are busy",
                do="Try again",
                retryable=True,
            ) from err


def open_store(url: str) -> Store:
    """Open the database at an SQLAlchemy URL. Raises ConfigError for a URL that cannot be used."""
    try:
        parsed = make_url(url)
    except ArgumentError as err:
        raise _not_understood() from err
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise _not_understood()
    parsed = parsed.set(drivername=driver)
    engine = create_engine(parsed, **_options(parsed))
    if driver == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return Store(engine)


def _not_understood() -> ConfigError:
    return ConfigError(
        "storage.url is not a database address that is understood",
        do='Allowed: "sqlite:///FILE" or "postgresql+psycopg://USER@HOST/DATABASE"',
    )


def _options(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False}}
    timeouts = f"-c lock_timeout={BUSY_TIMEOUT_SECONDS}s -c timezone=UTC"
    return {
        "pool_pre_ping": True,
        "connect_args": {"connect_timeout": 10, "options": timeouts},
    }


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not begin transactions by itself: _begin_sqlite says which kind.
    connection.isolation_level = None
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _explained(err: DBAPIError, name: str) -> StorageError:
    cause = err.orig
    fact: tuple[str, str, bool] | None = None
    if isinstance(cause, sqlite3.Error):
        fact = _SQLITE_ERRORS.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
    else:
        state = getattr(cause, "sqlstate", None)
        if state is None:
            return _never_connected(cause, name)
        fact = _POSTGRESQL_ERRORS.get(state[:2])
    if fact is None:
        return StorageError(f"the database {name} refused a statement: {cause}")
    meaning, do, retryable = fact
    return StorageError(f"the database {name} {meaning}", do=do, retryable=retryable)


def _never_connected(cause: object, name: str) -> StorageError:
    # Only the server's words tell a wrong password from a missing database or a dead server.
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return StorageError(
        f"the database {name} cannot be reached: {lines[-1] if lines else 'no reason given'}",
        do="Check that the server runs, the user and password in [storage] url, and that the "
        "database exists (CREATE DATABASE spendwatt)",
        retryable=True,
    )
