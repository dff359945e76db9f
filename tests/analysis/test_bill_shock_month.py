"""What a shock makes of its account's month: the same two figures from morning to morning."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from analysis.bill_shock import BillShock
from analysis.inputs import Inputs
from analysis.ledger import DAY_SECONDS, Change, Ledger
from analysis.wording import number
from spendwatt.estate import Estate
from spendwatt.records import Finding, Severity

FIRST = date(2025, 6, 1)
SHOCK = date(2025, 10, 13)
KNOWN = (0.85, 1.0)
"""Share of a day that the bill shows one and two days after it."""
SERIES = {"compute": 1000.0, "storage": 500.0, "network": 200.0}
EXTRA = 800.0


def changes(account: str = "ml", factor: float = 1.0, *, seed: int = 7) -> list[Change]:
    rows: list[Change] = []
    random = np.random.default_rng(seed)
    for service, level in SERIES.items():
        name = ("AWS", account, service, "us-east-1", "USD")
        for place in range(number(date(2025, 11, 1)) - number(FIRST)):
            day = FIRST + timedelta(days=place)
            weekend = 0.7 if day.weekday() >= 5 else 1.0
            cost = level * weekend * float(np.exp(0.02 * random.standard_normal()))
            cost += EXTRA if service == "compute" and day >= SHOCK and account == "ml" else 0.0
            cost *= factor
            before = 0.0
            for age, share in enumerate(KNOWN, start=1):
                at = (number(day) + age) * DAY_SECONDS
                part = cost * (share - before)
                rows.append((name, number(day), at, False, part, part))
                before = share
    return rows


def told_on(day: date, *beside: Change) -> Finding:
    as_of = datetime(day.year, day.month, day.day, 7, tzinfo=UTC)
    ledger = Ledger.of([*changes(), *beside]).as_of(int(as_of.timestamp()))
    [found] = BillShock().analyze(Inputs(as_of=as_of, estate=Estate(), ledger=ledger))
    return found


def usual_month() -> float:
    days = [date(2025, 10, 1) + timedelta(days=place) for place in range(31)]
    return sum(SERIES.values()) * sum(0.7 if day.weekday() >= 5 else 1.0 for day in days)


def test_the_month_without_and_with_the_shock_is_the_same_each_morning() -> None:
    mornings = [told_on(SHOCK + timedelta(days=late)) for late in range(1, 9)]
    without = [float(found.evidence["month_forecast_without"]) for found in mornings]
    stays = [float(found.evidence["month_forecast"]) for found in mornings]
    assert without == pytest.approx([usual_month()] * len(mornings), rel=0.02)
    assert stays[1:] == pytest.approx([usual_month() + 19 * EXTRA] * (len(mornings) - 1), rel=0.03)


def test_part_of_a_day_tells_the_least_that_the_month_will_be() -> None:
    first, second = told_on(SHOCK + timedelta(days=1)), told_on(SHOCK + timedelta(days=2))
    assert "-> at least $" in first.detail
    assert "at least" not in second.detail
    least, whole = (float(found.evidence["month_forecast"]) for found in (first, second))
    assert usual_month() + 19 * 0.5 * EXTRA < least < whole


@pytest.mark.parametrize(
    ("factor", "severity"), [(1.0, Severity.CRITICAL), (5.0, Severity.WARNING)]
)
def test_what_doubles_a_small_account_is_critical_only_where_the_estate_feels_it(
    factor: float, severity: Severity
) -> None:
    found = told_on(SHOCK + timedelta(days=11), *changes("prod", factor, seed=8))
    assert found.labels["account"] == "ml"
    assert found.severity is severity
