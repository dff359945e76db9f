"""Which sources fail, as findings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from service.failures import failures
from spendwatt.records import Severity
from storage import runs
from storage.engine import Store

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def tries(store: Store, name: str, *errors: str | None) -> None:
    """Record a try an hour for each error; None is a success."""
    for hour, error in enumerate(errors):
        at = START + timedelta(hours=hour)
        with store.write() as connection:
            runs.finish(connection, runs.start(connection, f"collect:{name}", at), at, error=error)


def found(store: Store, *sources: str):
    with store.read() as connection:
        return failures(runs.last_runs(connection), sources)


def test_a_source_that_works_gives_no_finding(sqlite_store: Store) -> None:
    tries(sqlite_store, "aws", "refused", None)
    assert found(sqlite_store, "aws") == []


def test_a_failing_source_says_since_when_and_why(sqlite_store: Store) -> None:
    tries(sqlite_store, "aws", None, "timeout", "S3 refused s3:GetObject")
    (finding,) = found(sqlite_store, "aws")
    assert finding.opened_at == START + timedelta(hours=1)
    assert finding.severity is Severity.WARNING
    assert "S3 refused s3:GetObject" in finding.detail
    assert "It last worked at 2026-03-01T12:00:00Z" in finding.detail
    assert finding.evidence["failures_in_a_row"] == 2


def test_three_failures_in_a_row_are_critical(sqlite_store: Store) -> None:
    tries(sqlite_store, "aws", "a", "b", "c")
    assert found(sqlite_store, "aws")[0].severity is Severity.CRITICAL


def test_a_try_under_way_hides_no_failure(sqlite_store: Store) -> None:
    tries(sqlite_store, "aws", "refused")
    with sqlite_store.write() as connection:
        runs.start(connection, "collect:aws", START + timedelta(days=1))
    assert [finding.labels for finding in found(sqlite_store, "aws")] == [{"source": "aws"}]


def test_a_source_that_is_no_longer_configured_fails_nobody(sqlite_store: Store) -> None:
    tries(sqlite_store, "aws", "refused")
    assert found(sqlite_store, "gcp") == []


def test_the_same_failure_is_the_same_finding(sqlite_store: Store) -> None:
    tries(sqlite_store, "aws", "refused")
    first = found(sqlite_store, "aws")[0].id
    tries(sqlite_store, "aws", "refused otherwise")
    assert found(sqlite_store, "aws")[0].id == first
