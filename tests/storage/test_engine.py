"""The two ways into the database, and what each of its refusals says."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from spendwatt.errors import ConfigError, StorageError
from storage.engine import Store, open_store


def _table(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))


def _numbers(store: Store) -> list[int]:
    with store.read() as connection:
        return sorted(connection.scalars(text("SELECT n FROM t")))


def test_failed_write_leaves_nothing_behind(store: Store) -> None:
    _table(store)

    def fail_half_way() -> None:
        with store.write() as connection:
            connection.execute(text("INSERT INTO t VALUES (1)"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert _numbers(store) == []


def test_reader_keeps_its_view_while_another_writes(store: Store) -> None:
    _table(store)
    with store.read() as reader:
        count = text("SELECT count(*) FROM t")
        assert reader.scalar(count) == 0
        with store.write() as writer:
            writer.execute(text("INSERT INTO t VALUES (1)"))
        assert reader.scalar(count) == 0
    assert _numbers(store) == [1]


def test_writers_queue_instead_of_failing(store: Store) -> None:
    _table(store)

    def add() -> None:
        for _ in range(20):
            with store.write() as connection:
                most = connection.scalar(text("SELECT coalesce(max(n), 0) FROM t"))
                connection.execute(text("INSERT INTO t VALUES (:n)"), {"n": int(most or 0) + 1})

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = _numbers(store)
    assert len(numbers) == 80
    if store.is_sqlite:
        # Its one write lock is taken at the beginning, so each saw the one before.
        assert numbers == list(range(1, 81))


def test_full_disk_is_said_and_what_was_stored_stays(sqlite_store: Store) -> None:
    _table(sqlite_store)
    with sqlite_store.write() as connection:
        connection.execute(text("INSERT INTO t VALUES (7)"))
        pages = connection.scalar(text("PRAGMA page_count"))

    def fill() -> None:
        # The page limit belongs to a connection, so the same one must do both.
        with sqlite_store.write() as connection:
            connection.execute(text(f"PRAGMA max_page_count = {pages}"))
            connection.execute(text("CREATE TABLE big AS SELECT randomblob(100000) AS b"))

    with pytest.raises(StorageError, match="disk is full") as caught:
        fill()
    assert caught.value.retryable
    assert _numbers(sqlite_store) == [7]


def test_foreign_file_is_named_and_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "letter.db"
    file.write_text("Dear all, this is no database. " * 40)
    store = open_store(f"sqlite:///{file}")
    with pytest.raises(StorageError, match=r"letter\.db is not an SQLite database"), store.read():
        pass
    assert file.read_text().startswith("Dear all")


def test_missing_folder_is_said_with_the_key(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'nowhere' / 'x.db'}")
    with pytest.raises(StorageError, match=r"cannot be opened.*\[storage\] url"), store.read():
        pass


def test_folder_that_cannot_be_written_is_said() -> None:
    # Nobody may make files there, root neither.
    store = open_store("sqlite:////proc/self/spend.db")
    with pytest.raises(StorageError, match="folder is missing or cannot be written"), store.read():
        pass


def test_absent_server_can_be_tried_again_and_hides_the_password() -> None:
    store = open_store("postgresql://me:hunter2@127.0.0.1:1/db")
    with pytest.raises(StorageError, match="cannot be reached") as caught, store.read():
        pass
    assert caught.value.retryable
    assert "hunter2" not in str(caught.value)


def test_missing_database_names_the_statement_that_makes_it(new_postgresql_url: str) -> None:
    absent = make_url(new_postgresql_url).set(database="absent")
    store = open_store(absent.render_as_string(hide_password=False))
    with (
        pytest.raises(StorageError, match=r'"absent" does not exist.*CREATE DATABASE'),
        store.read(),
    ):
        pass


@pytest.mark.parametrize("url", ["", "spend.db", "mysql://h/d", "sqlite+nonsense:///x"])
def test_unusable_address_says_what_is_allowed(url: str) -> None:
    with pytest.raises(ConfigError, match="sqlite:///FILE"):
        open_store(url)
