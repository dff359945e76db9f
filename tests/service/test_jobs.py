"""The jobs: each try is recorded, and one that fails harms no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from analysis.inputs import Inputs
from service import inputs, jobs, wiring
from service.config import Settings
from service.config.sections import CollectorEntry
from service.wiring import Source, Wired
from spendwatt.errors import CollectError, ConfigError, SpendwattError
from spendwatt.records import Delivery, Finding, Severity
from storage import findings, runs
from storage.engine import Store, open_store
from storage.runs import Outcome

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Finds:
    """An analyzer that gives what it was told to give."""

    needs = ("ledger", "sources")

    def __init__(self, kind: str, labels: tuple[str, ...] = ("a",)) -> None:
        self.kinds = (kind,)
        self.labels = labels
        self.seen: list[Inputs] = []

    def analyze(self, known: Inputs) -> list[Finding]:
        self.seen.append(known)
        return [
            Finding(
                kind=self.kinds[0],
                labels={"what": label},
                severity=Severity.INFO,
                title=label,
                detail="",
                next_step="",
                opened_at=known.as_of,
            )
            for label in self.labels
        ]


class Breaks(Finds):
    """An analyzer with a bug."""

    def analyze(self, known: Inputs) -> list[Finding]:
        raise ZeroDivisionError("a bug")


class Fails:
    """A collector that a provider refuses."""

    def __init__(self, err: Exception) -> None:
        self.err = err

    def deliveries(self, known: Mapping[str, str]) -> Iterator[Delivery]:
        raise self.err


@pytest.fixture
def wired(sqlite_store: Store) -> Wired:
    return wiring.build(Settings(), sqlite_store, clock=lambda: NOW)


def newest(wired: Wired, name: str) -> runs.Run:
    with wired.store.read() as connection:
        return runs.last_runs(connection)[name].newest


def open_kinds(wired: Wired) -> list[str]:
    with wired.store.read() as connection:
        return [finding.kind for finding in findings.open_findings(connection)]


def test_a_try_that_works_is_recorded_with_its_rows(wired: Wired) -> None:
    assert jobs.attempt(wired, "count", lambda: 7) == jobs.Ended(rows=7)
    run = newest(wired, "count")
    assert (run.outcome, run.rows, run.error) == (Outcome.OK, 7, None)


def test_a_try_that_fails_is_recorded_with_what_to_do(wired: Wired) -> None:
    def refused() -> int:
        raise CollectError("S3 refused", do="Grant s3:GetObject", retryable=True)

    ended = jobs.attempt(wired, "ask", refused)
    assert (ended.ok, ended.retryable) == (False, True)
    run = newest(wired, "ask")
    assert (run.outcome, run.error) == (Outcome.FAILED, "S3 refused. Grant s3:GetObject")


def test_a_bug_is_recorded_and_not_raised(wired: Wired) -> None:
    ended = jobs.attempt(wired, "break", lambda: 1 // 0)
    assert not ended.ok
    assert newest(wired, "break").error == "ZeroDivisionError: integer division or modulo by zero"


def test_a_secret_in_an_error_is_not_recorded(wired: Wired) -> None:
    def leaks() -> int:
        raise SpendwattError("no answer from https://me:hunter2@example.org")

    jobs.attempt(wired, "leak", leaks)
    assert "hunter2" not in (newest(wired, "leak").error or "")


def test_a_database_that_is_away_ends_the_try_and_nothing_else(wired: Wired) -> None:
    away = replace(wired, store=open_store("sqlite:////nowhere/at/all.db"))
    ended = jobs.attempt(away, "count", lambda: 7)
    assert not ended.ok
    assert ended.retryable


def test_an_analyzer_with_a_bug_stops_no_other(wired: Wired) -> None:
    broken = replace(wired, analyzers={"a": Breaks("one"), "b": Finds("two"), "c": Breaks("three")})
    judgement = jobs.judge(broken, NOW)
    assert [finding.kind for finding in judgement.findings] == ["two"]
    assert {*judgement.broken} == {"a", "c"}
    assert open_kinds(broken) == ["two"]
    assert not jobs.analyze(broken).ok
    assert "analyzer a failed: ZeroDivisionError" in (newest(broken, "analyze").error or "")


def test_what_an_analyzer_found_stays_open_while_it_is_broken(wired: Wired) -> None:
    jobs.judge(replace(wired, analyzers={"a": Finds("one")}), NOW)
    broken = replace(wired, analyzers={"a": Breaks("one")})
    jobs.judge(broken, NOW + timedelta(hours=1))
    assert open_kinds(broken) == ["one"]


def test_a_judgement_that_is_not_kept_changes_nothing(wired: Wired) -> None:
    found = jobs.judge(replace(wired, analyzers={"a": Finds("one")}), NOW, keep=False).findings
    assert [finding.kind for finding in found] == ["one"]
    assert open_kinds(wired) == []


def test_an_analyzer_is_given_its_own_open_findings(wired: Wired) -> None:
    mine, other = Finds("one"), Finds("two")
    both = replace(wired, analyzers={"a": mine, "b": other})
    jobs.judge(both, NOW)
    jobs.judge(both, NOW + timedelta(hours=1))
    assert [finding.kind for finding in mine.seen[1].open_findings] == ["one"]


def test_a_failing_source_is_a_finding_until_it_works(wired: Wired) -> None:
    entry = CollectorEntry(name="aws", kind="focus_files")
    failing = replace(wired, sources={"aws": Source(entry, Fails(CollectError("refused")))})
    assert not jobs.collect(failing, "aws").ok
    assert open_kinds(failing) == ["collector_failed"]

    class Works:
        def deliveries(self, known: Mapping[str, str]) -> Iterator[Delivery]:
            return iter(())

    works = replace(wired, sources={"aws": Source(entry, Works())})
    assert jobs.collect(works, "aws").ok
    assert open_kinds(works) == []


def test_every_field_that_an_analyzer_needs_is_loaded(wired: Wired) -> None:
    known = {field.name for field in fields(Inputs)}
    assert {*inputs.LOADERS} <= known
    for analyzer in wired.analyzers.values():
        assert {*analyzer.needs} <= {*inputs.LOADERS}


def test_every_loader_gives_an_empty_store_its_empty_value(wired: Wired) -> None:
    known = inputs.load(wired.store, wired.estate, inputs.LOADERS, NOW)
    for name in inputs.LOADERS:
        assert len(getattr(known, name)) == 0


def test_a_need_that_nothing_loads_is_told(wired: Wired) -> None:
    with pytest.raises(ConfigError, match="weather"):
        inputs.load(wired.store, wired.estate, ["weather"], NOW)


def test_a_configured_source_that_never_delivered_is_known(wired: Wired) -> None:
    entry = CollectorEntry(name="aws", kind="focus_files", every="1h")
    sources = {"aws": Source(entry, Fails(CollectError("refused")))}
    jobs.collect(replace(wired, sources=sources), "aws")
    known = inputs.load(wired.store, wired.estate, ["sources"], NOW, sources=sources)
    (state,) = known.sources
    assert (state.name, state.content, state.last_delivery_at) == ("aws", "bills", None)
    assert (state.expected_every, state.configured_at) == (timedelta(hours=1), NOW)


@pytest.mark.parametrize("job", [jobs.analyze, jobs.notify, jobs.roll_up, jobs.retain])
def test_every_job_runs_on_an_empty_store(wired: Wired, job: Callable[[Wired], jobs.Ended]) -> None:
    assert job(wired).ok
