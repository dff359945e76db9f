from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from analysis.freshness import FreshnessWatch, Settings
from analysis.inputs import Inputs
from analysis.source_state import SourceState
from spendwatt.estate import Estate
from spendwatt.records import Finding, Severity

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def judged(source: SourceState, **given: float) -> list[Finding]:
    inputs = Inputs(as_of=NOW, estate=Estate(), sources=(source,))
    return list(FreshnessWatch(Settings(**given)).analyze(inputs))


def bills(silent: timedelta | None, every: timedelta | None = 6 * HOUR) -> SourceState:
    return SourceState("aws", "bills", None if silent is None else NOW - silent, every)


def test_a_silent_source_is_told_with_how_long_and_what_to_do() -> None:
    [found] = judged(bills(50 * HOUR))
    assert found.title == "aws has been silent for 50 h"
    assert found.labels == {"source": "aws"}
    assert found.severity == Severity.WARNING
    assert "spendwatt collect aws" in found.next_step
    assert found.opened_at == NOW - 2 * HOUR


@pytest.mark.parametrize(
    "source",
    [
        bills(47 * HOUR),
        bills(20 * 24 * HOUR, every=7 * 24 * HOUR),
        bills(400 * HOUR, every=None),
        bills(None),
    ],
    ids=["in time", "asked weekly", "brought by hand", "never asked yet"],
)
def test_a_source_that_owes_nothing_is_not_told(source: SourceState) -> None:
    assert judged(source) == []


def test_a_source_that_never_delivered_is_late_from_when_it_was_set_up() -> None:
    source = SourceState("gcp", "bills", None, 6 * HOUR, configured_at=NOW - 60 * HOUR)
    [found] = judged(source)
    assert found.title == "gcp has never delivered"


def test_readings_are_missed_within_the_hour() -> None:
    source = SourceState("node-a", "readings", NOW - HOUR, timedelta(minutes=1))
    assert [found.labels["source"] for found in judged(source)] == ["node-a"]
    assert judged(source, readings_minutes=90) == []


def test_long_silence_is_critical() -> None:
    assert judged(bills(100 * HOUR))[0].severity == Severity.CRITICAL
