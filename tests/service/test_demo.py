"""The demo's story holds what it claims: exact bills, planted trouble, and truth to judge by."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from reports.contract import run_report
from service.cli.demo import QUESTIONS
from service.demo import company, fleet, story
from service.demo.catalogue import LINES, PROVIDERS, SHOCK_FROM
from service.demo.truth import is_true
from spendwatt.records import Finding, Severity


def _billed(folder: Path, source: str, month: date, as_of: date) -> Counter[date]:
    company.write_bill(folder, source, month, as_of)
    billed: Counter[date] = Counter()
    with (folder / f"{month:%Y-%m}.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            billed[date.fromisoformat(row["ChargePeriodStart"][:10])] += Decimal(row["BilledCost"])
    return billed


def test_the_same_seed_writes_the_same_bill(tmp_path: Path) -> None:
    first = _billed(tmp_path / "a", "aws", company.DAILY_FROM, company.TODAY)
    assert first == _billed(tmp_path / "b", "aws", company.DAILY_FROM, company.TODAY)
    assert sum(first.values()) > 50_000


def test_one_day_is_told_late(tmp_path: Path) -> None:
    next_morning = company.LATE_DAY + timedelta(days=1)
    early = _billed(tmp_path, company.LATE_SOURCE, company.DAILY_FROM, next_morning)
    late = _billed(tmp_path, company.LATE_SOURCE, company.DAILY_FROM, company.TODAY)
    assert early[company.LATE_DAY] < late[company.LATE_DAY] / 5


def test_one_month_is_restated(tmp_path: Path) -> None:
    month, source = company.RESTATED_MONTH, company.RESTATED_SOURCE
    before = _billed(tmp_path, source, month, company.RESTATED_ON - timedelta(days=1))
    after = _billed(tmp_path, source, month, company.RESTATED_ON)
    assert sum(after.values()) < sum(before.values())


def test_the_hung_job_still_wakes_its_gpus_now_and_then() -> None:
    held = [
        reading.busy_seconds
        for reading in fleet.readings(fleet.HELD_FROM, fleet.HELD_UNTIL)
        if reading.gpu.host == fleet.HELD_HOST
    ]
    assert 0 < sum(seconds > 0 for seconds in held) < len(held) / 50


@pytest.mark.parametrize(
    ("kind", "labels", "expected"),
    [
        ("idle_gpu", {"host": fleet.HELD_HOST}, True),
        ("idle_gpu", {"host": "node-a"}, False),
        ("budget", {"budget": "ml", "month": "2026-10"}, True),
        ("bill_shock", {"provider": "AWS", "direction": "up", "started_on": "2026-10-02"}, False),
        (
            "bill_shock",
            {"provider": "AWS", "direction": "up", "started_on": str(SHOCK_FROM)},
            True,
        ),
        ("stale_source", {"source": "gcp"}, False),
    ],
)
def test_truth_knows_what_was_planted(kind: str, labels: dict[str, str], expected: bool) -> None:
    moment = datetime(2026, 10, 14, tzinfo=UTC)
    assert is_true(Finding(kind, labels, Severity.INFO, "", "", "", moment)) == expected


def test_the_first_morning_goes_through_the_real_pipeline(tmp_path: Path) -> None:
    played = story.play(tmp_path, lambda _: None, until=company.DAILY_FROM)
    wired = played.wired
    expected = sum(
        sum(_billed(tmp_path / "again", source, date(2026, 8, 1), company.DAILY_FROM).values())
        for source in PROVIDERS
    )
    params = {"window": "2026-08-01,2026-09-01", "aggregate": "provider"}
    costs = run_report("costs", params, wired.store, wired.estate, wired.clock())
    (total,) = costs.total
    # Each of the month's facts is rounded once, by half a nano-unit at most.
    assert abs(total["billed_cost"] - expected) < Decimal("0.5e-9") * 31 * len(LINES)
    # Nothing has happened yet, but for the workload that is better owned.
    assert [message.footer.split(" · ")[1] for _, message in played.messages] == ["breakeven"]
    for question in QUESTIONS:
        name, _, query = question.partition("?")
        if name != "findings":
            asked = dict(pair.split("=") for pair in query.split("&"))
            assert run_report(name, asked, wired.store, wired.estate, wired.clock()).columns
    wired.store.close()
