"""Sees to it that one daemon works on a database, and that another can take over."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from spendwatt.errors import StorageError
from storage.engine import Store

_KEY = 0x5350454E44_01  # beside the key under which the schema changes


class DaemonLock(Protocol):
    """Held by at most one process; the system takes it back from one that died."""

    def take(self) -> bool:
        """Try to take it; True where it is held now. Raises StorageError."""

    def is_held(self) -> bool:
        """Tell whether it is still held: a database that was away has forgotten it."""

    def release(self) -> None:
        """Give it back."""


def daemon_lock(store: Store) -> DaemonLock:
    """Make the lock that fits the database's engine; not yet taken."""
    if store.is_sqlite:
        return _FileLock(Path(f"{store.engine.url.database}.lock"))
    return _AdvisoryLock(store)


class _FileLock:
    """A locked file beside an SQLite database."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self) -> bool:
        if self._file is not None:
            return True
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as err:
            raise StorageError(
                f"the lock {self._path} cannot be opened: {err.strerror}",
                do="Check [storage] url, its folder, and who may write there",
            ) from err
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def is_held(self) -> bool:
        return self._file is not None

    def release(self) -> None:
        # The file stays: removing it would let two processes lock two files of one name.
        if self._file is not None:
            os.close(self._file)
            self._file = None


class _AdvisoryLock:
    """A session's advisory lock in PostgreSQL, on a connection of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: Connection | None = None

    def take(self) -> bool:
        if self.is_held():
            return True
        self.release()
        with self._store.read():
            pass  # a database that is away is told as every other time
        connection = self._store.engine.connect()
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        if not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_KEY})").scalar_one():
            connection.close()
            return False
        self._connection = connection
        return True

    def is_held(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.exec_driver_sql("SELECT 1")
        except SQLAlchemyError:
            return False
        return True

    def release(self) -> None:
        if self._connection is not None:
            # Said, since the server notices the end of a session only some time after it; and
            # closed for good, not given back to the pool, in case it could not be said.
            with suppress(SQLAlchemyError):
                self._connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_KEY})")
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
