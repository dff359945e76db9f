"""The sampler's thread: minutes reach the store, failures are recorded, nothing ends it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.sampler import TOUCH_EVERY, Sampler
from spendwatt.errors import CollectError
from spendwatt.records import Gpu, MinuteReading
from storage import runs
from storage.engine import Store
from storage.runs import Outcome
from storage.tables.telemetry import gpu_minute

MINUTE = timedelta(minutes=1)
JOB = "collect:this-host"


class Board:
    """A collector whose next answers a test puts in."""

    sample_every = timedelta(milliseconds=1)

    def __init__(self) -> None:
        self.answers: list[list[MinuteReading] | Exception] = []
        self.errors: list[CollectError] = []
        self.marks: Mapping[str, tuple[datetime, float | None]] | None = None
        self.is_closed = False

    def resume(self, marks: Mapping[str, tuple[datetime, float | None]]) -> None:
        self.marks = marks

    def sample(self) -> list[MinuteReading]:
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def sampler(board: Board, sqlite_store: Store, clock: Any) -> Sampler:
    return Sampler("this-host", board, sqlite_store, clock)


def minute(at: datetime) -> MinuteReading:
    return MinuteReading(Gpu("GPU-a"), at, covered_seconds=60, counter_joules_at_end=7.0)


def stored(store: Store) -> int:
    with store.read() as connection:
        return len(connection.execute(select(gpu_minute.c.minute)).all())


def tries(store: Store) -> list[runs.Run]:
    with store.read() as connection:
        return list(reversed(runs.recent(connection, JOB)))


def test_complete_minutes_are_saved_and_the_run_stays_open(
    sampler: Sampler, board: Board, sqlite_store: Store, clock: Any
) -> None:
    board.answers = [[minute(clock())], []]
    sampler.step()
    sampler.step()
    assert stored(sqlite_store) == 1
    works, lasting = tries(sqlite_store)
    assert (works.outcome, lasting.outcome) == (Outcome.OK, None)


def test_open_run_is_touched_hourly(sampler: Sampler, sqlite_store: Store, clock: Any) -> None:
    began = clock()
    for _ in range(3):
        sampler.step()
        clock.advance(TOUCH_EVERY / 2)
    assert tries(sqlite_store)[-1].touched_at == began + TOUCH_EVERY


def test_failure_is_recorded_once_and_its_end_too(
    sampler: Sampler, board: Board, sqlite_store: Store
) -> None:
    board.answers = [[], CollectError("no driver"), CollectError("no driver"), []]
    for _ in range(4):
        sampler.step()
    outcomes = [(run.outcome, run.error) for run in tries(sqlite_store)]
    assert outcomes == [
        (Outcome.OK, None),
        (Outcome.FAILED, "no driver"),
        (Outcome.OK, None),
        (None, None),
    ]
    with sqlite_store.read() as connection:
        assert runs.last_runs(connection)[JOB].failing_since is None


def test_lost_gpu_is_recorded_while_the_others_are_saved(
    sampler: Sampler, board: Board, sqlite_store: Store, clock: Any
) -> None:
    board.answers = [[minute(clock())]]
    board.errors = [CollectError("GPU 1: lost", do="Restart the host")]
    sampler.step()
    assert stored(sqlite_store) == 1
    assert [run.error for run in tries(sqlite_store)] == ["GPU 1: lost. Restart the host"]


def test_bug_in_a_collector_does_not_end_the_sampling(
    sampler: Sampler, board: Board, sqlite_store: Store, clock: Any
) -> None:
    board.answers = [ZeroDivisionError("oops"), [minute(clock())]]
    sampler.step()
    sampler.step()
    assert tries(sqlite_store)[0].error == "ZeroDivisionError: oops"
    assert stored(sqlite_store) == 1


def test_minutes_wait_while_the_database_is_away(
    sampler: Sampler, board: Board, sqlite_store: Store, clock: Any
) -> None:
    sampler.step()
    board.answers = [[minute(clock())], [minute(clock() + MINUTE)]]
    with sqlite_store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE gpu_minute RENAME TO away")
    sampler.step()
    with sqlite_store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO gpu_minute")
    sampler.step()
    assert stored(sqlite_store) == 2


def test_next_run_goes_on_where_this_one_stopped(
    sampler: Sampler, board: Board, sqlite_store: Store, clock: Any
) -> None:
    board.answers = [[minute(clock())]]
    sampler.step()
    assert board.marks == {}
    again = Board()
    Sampler("this-host", again, sqlite_store, clock).step()
    assert again.marks == {"GPU-a": (clock() + MINUTE, 7.0)}


def test_thread_ends_when_told_and_closes_its_run(
    sampler: Sampler, board: Board, sqlite_store: Store
) -> None:
    sampler.step()
    sampler.start()
    sampler.stop()
    assert sampler.wait(10)
    assert board.is_closed
    assert tries(sqlite_store)[-1].outcome == Outcome.OK
