"""The bars of bill shock on sets of real form: a ledger, its labels and its meta data."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import pytest

from analysis.backtest import Said, read_labels, read_ledger, replay, told
from analysis.backtest_score import Label, score

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("SPENDWATT_ACCEPTANCE_DATA", str(ROOT / "../shared/data"))) / "analysis"
LEDGERS = sorted(DATA.glob("*_ledger.csv"))

pytestmark = pytest.mark.skipif(not LEDGERS, reason=f"no *_ledger.csv in {DATA}")


def beside(ledger: Path, ending: str) -> Path:
    return ledger.with_name(ledger.name.replace("_ledger.csv", ending))


@pytest.fixture(scope="module", params=LEDGERS, ids=lambda path: path.stem)
def played(request: pytest.FixtureRequest) -> tuple[list[Said], list[Label], float]:
    """What would have been said of a set, its truth, and its series-years."""
    path: Path = request.param
    meta = json.loads(beside(path, "_meta.json").read_text())
    first, last = date.fromisoformat(meta["eval_from"]), date.fromisoformat(meta["last_day"])
    with path.open(newline="") as file:
        ledger = read_ledger(file, file=path.name)
    with beside(path, "_labels.csv").open(newline="") as file:
        labels = read_labels(file, file=path.name)
    years = len(meta["series"]) * ((last - first).days + 1) / 365
    return replay(ledger, first, last), labels, years


def test_rises_are_found_and_seldom_false(played: tuple[list[Said], list[Label], float]) -> None:
    said, labels, years = played
    result = score(told(said), labels, "up", years)
    assert result.f1 >= 0.88
    assert result.false_episodes <= max(1, 0.20 * years)


def test_drops_are_found(played: tuple[list[Said], list[Label], float]) -> None:
    said, labels, years = played
    result = score(told(said), labels, "down", years)
    assert result.recall >= 0.85
    assert result.false_rate <= 0.6


def test_the_service_that_rose_is_named_among_the_causes(
    played: tuple[list[Said], list[Label], float],
) -> None:
    said, labels, _ = played
    hits = [
        (one.causes[:1] == (label.service,), label.service in one.causes)
        for label in labels
        for one in said
        if (one.key.account, one.key.service, one.direction)
        == (label.account, label.service, label.direction)
        and label.start <= one.usage_date <= label.detect_by
    ]
    assert sum(first for first, _ in hits) >= 0.80 * len(hits)
    assert sum(any_ for _, any_ in hits) >= 0.97 * len(hits)
