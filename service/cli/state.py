"""What every command is given: the settings and the store, each opened when first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from spendwatt import clock
from spendwatt.errors import SchemaError

if TYPE_CHECKING:  # pydantic and SQLAlchemy would treble the time that `--help` takes
    from service.config import Settings
    from service.wiring import Wired
    from storage.engine import Store


class State:
    """The context of one command line. `close()` ends what it opened."""

    def __init__(self, *, environ: Mapping[str, str], config_path: Path | None = None) -> None:
        self.environ = environ
        self.config_path = config_path
        self.clock = clock.now
        self._store: Store | None = None

    @cached_property
    def settings(self) -> Settings:
        """Give the settings in force. Raises ConfigError with every problem at once."""
        from service import config

        return config.load(self.config_path, self.environ)

    def store(self, *, create: bool = False) -> Store:
        """Give the open database, its schema being this version's. Raises SchemaError.

        With `create`, a database that does not exist yet, or holds nothing at all, is made.
        """
        from storage import migrate

        store = self.any_store()
        if create and is_blank(store):
            migrate.upgrade(store)
        elif is_absent(store):
            # Asking SQLite would leave an empty file behind.
            raise SchemaError(
                f"there is no database {store.name} yet",
                do="Run `spendwatt import bill FILE`, `spendwatt serve` or `spendwatt db upgrade`",
            )
        else:
            migrate.require_current(store)
        return store

    def any_store(self) -> Store:
        """Give the database whatever its schema: for commands that look after it."""
        from storage.engine import open_store

        if self._store is None:
            self._store = open_store(self.settings.storage.address())
        return self._store

    def wired(self, *, create: bool = False) -> Wired:
        """Give everything built: store (made where it is new, with `create`), collectors, ..."""
        from service import logs, wiring

        logs.quiet()
        return wiring.build(self.settings, self.store(create=create), clock=self.clock)

    def close(self) -> None:
        """Close the database."""
        if self._store is not None:
            self._store.close()


def is_absent(store: Store) -> bool:
    """Tell whether the database is an SQLite file that does not exist."""
    file = store.engine.url.database
    return store.is_sqlite and file not in {None, "", ":memory:"} and not Path(str(file)).exists()


def is_blank(store: Store) -> bool:
    """Tell whether the database is an SQLite file that does not exist or holds no table."""
    if not store.is_sqlite or is_absent(store):
        return store.is_sqlite
    with store.read() as connection:
        return not connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar_one()
