"""What several analyzers need is read once for all of them, and anew for each judgement."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from analysis.inputs import Inputs
from service import inputs, jobs, wiring
from service.config import Settings
from service.wiring import Wired
from spendwatt.records import Finding
from storage.engine import Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Reads:
    """An analyzer that keeps what it was given."""

    kinds = ("bill_shock",)
    needs = ("ledger", "account_names")

    def __init__(self) -> None:
        self.seen: list[Inputs] = []

    def analyze(self, known: Inputs) -> list[Finding]:
        self.seen.append(known)
        return []


@pytest.fixture
def wired(sqlite_store: Store) -> Wired:
    return wiring.build(Settings(), sqlite_store, clock=lambda: NOW)


def test_analyzers_of_one_judgement_share_one_ledger(wired: Wired) -> None:
    first, second = Reads(), Reads()
    both = replace(wired, analyzers={"first": first, "second": second})
    jobs.judge(both, NOW)
    jobs.judge(both, NOW + timedelta(hours=1))
    for mine, other in zip(first.seen, second.seen, strict=True):
        assert mine.ledger is other.ledger
    assert first.seen[0].ledger is not first.seen[1].ledger


def test_a_field_that_fails_to_load_is_tried_again_for_the_next(
    wired: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def fails(asked: inputs.Asked) -> object:
        tries.append("names")
        raise ZeroDivisionError(asked.as_of)

    monkeypatch.setitem(inputs.LOADERS, "account_names", fails)
    known: dict[str, object] = {}
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            inputs.load(wired.store, wired.estate, Reads.needs, NOW, known=known)
    assert tries == ["names", "names"]
    assert {*known} == {"changes", "ledger"}
