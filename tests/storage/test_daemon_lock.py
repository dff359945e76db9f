"""One daemon per database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from storage.daemon_lock import daemon_lock
from storage.engine import Store, open_store


@pytest.fixture
def other(store: Store, store_url: str) -> Iterator[Store]:
    """Open the same database a second time, as another process does."""
    opened = open_store(store_url)
    yield opened
    opened.close()


def test_only_one_holds_it(store: Store, other: Store) -> None:
    mine, theirs = daemon_lock(store), daemon_lock(other)
    assert not mine.is_held()
    assert mine.take()
    assert mine.is_held()
    assert not theirs.take()
    assert not theirs.is_held()
    mine.release()
    assert not mine.is_held()
    assert theirs.take()
    theirs.release()


def test_taking_it_again_keeps_it(store: Store, other: Store) -> None:
    mine = daemon_lock(store)
    assert mine.take()
    assert mine.take()
    assert not daemon_lock(other).take()
    mine.release()


def test_readers_and_writers_are_not_in_its_way(store: Store, other: Store) -> None:
    lock = daemon_lock(store)
    assert lock.take()
    with other.write() as connection:
        connection.exec_driver_sql("DELETE FROM run")
    lock.release()


def test_a_connection_that_the_server_ends_takes_the_lock_with_it(
    new_postgresql_url: str,
) -> None:
    mine, theirs = open_store(new_postgresql_url), open_store(new_postgresql_url)
    lock, next_lock = daemon_lock(mine), daemon_lock(theirs)
    assert lock.take()
    with theirs.write() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        )
    assert not lock.is_held()
    assert next_lock.take()
    assert not lock.take()
    for each in (lock, next_lock):
        each.release()
    mine.close()
    theirs.close()
