"""Each try of a job is kept, and how a job stands can be read off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storage import runs
from storage.engine import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def tried(store: Store, name: str, at: datetime, error: str | None = None) -> int:
    with store.write() as connection:
        run_id = runs.start(connection, name, at)
        runs.finish(connection, run_id, at + HOUR / 60, rows=7, error=error)
    return run_id


def last(store: Store, name: str) -> runs.LastRuns:
    with store.read() as connection:
        return runs.last_runs(connection)[name]


def test_run_is_open_until_it_is_finished(store: Store) -> None:
    with store.write() as connection:
        run_id = runs.start(connection, "this-host", NOON)
        runs.touch(connection, run_id, NOON + HOUR, rows=60)
    newest = last(store, "this-host").newest
    assert newest == runs.Run(run_id, "this-host", NOON, NOON + HOUR, None, None, 60, None)


def test_success_ends_the_count_of_failures(store: Store) -> None:
    tried(store, "collect:aws", NOON, "no answer")
    ok = tried(store, "collect:aws", NOON + HOUR)
    stands = last(store, "collect:aws")
    assert (stands.failures_in_a_row, stands.failing_since) == (0, None)
    assert stands.last_ok is not None
    assert (stands.last_ok.id, stands.last_ok.rows) == (ok, 7)


def test_failures_since_the_last_success_are_counted(store: Store) -> None:
    tried(store, "collect:aws", NOON)
    tried(store, "collect:aws", NOON + HOUR, "no answer")
    tried(store, "collect:aws", NOON + 2 * HOUR, "still none")
    tried(store, "analyze", NOON + 3 * HOUR)
    stands = last(store, "collect:aws")
    assert (stands.failures_in_a_row, stands.failing_since) == (2, NOON + HOUR)
    assert stands.newest.error == "still none"


def test_runs_of_a_dead_process_are_abandoned(store: Store) -> None:
    with store.write() as connection:
        runs.start(connection, "analyze", NOON)
        assert runs.abandon(connection, NOON + HOUR) == 1
        assert runs.abandon(connection, NOON + HOUR) == 0
    stands = last(store, "analyze")
    assert (stands.newest.outcome, stands.failures_in_a_row) == (runs.Outcome.ABANDONED, 1)


def test_job_that_never_ran_is_left_out(store: Store) -> None:
    tried(store, "analyze", NOON)
    with store.read() as connection:
        assert set(runs.last_runs(connection, ["analyze", "roll_up"])) == {"analyze"}


def test_pruning_keeps_the_newest_and_the_newest_success(store: Store) -> None:
    kept = [tried(store, "analyze", NOON + HOUR)]
    tried(store, "analyze", NOON + 2 * HOUR, "broken")
    kept.append(tried(store, "analyze", NOON + 3 * HOUR, "broken"))
    tried(store, "roll_up", NOON)
    with store.write() as connection:
        assert runs.prune(connection, NOON + 99 * HOUR) == 1
        assert [run.id for run in runs.recent(connection, "analyze")] == kept[::-1]
        assert len(runs.recent(connection, "roll_up")) == 1
