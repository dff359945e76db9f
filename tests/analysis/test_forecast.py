from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.bill_shock_replay import Replay
from analysis.budget import BudgetWatch
from analysis.budget_days import BudgetDays, first_needed
from analysis.completeness import whole_days
from analysis.forecast import MonthEnd, month_end
from analysis.inputs import Inputs
from analysis.ledger import DAY_SECONDS, Ledger
from analysis.wording import number
from spendwatt.estate import Budget, Estate
from spendwatt.filter_grammar import parse_filter
from spendwatt.money import Money
from spendwatt.records import Finding, Severity

FIRST = date(2025, 1, 1)
NAME = ("aws", "prod", "compute", "eu-west-1", "USD")
LAG_DAYS = 2


def known_ledger(cost: Iterable[float], lag_days: int = LAG_DAYS) -> Ledger:
    days = [number(FIRST) + place for place in range(len(list(cost)))]
    return Ledger.of(
        (NAME, day, (day + lag_days) * DAY_SECONDS, False, amount, amount)
        for day, amount in zip(days, cost, strict=True)
    )


def ends(cost: list[float], today: date) -> MonthEnd:
    moment = (number(today) + 1) * DAY_SECONDS - 1
    replay = Replay(known_ledger(cost).as_of(moment), last_day=number(today), roll_up=False)
    replay.run()
    return month_end(replay, today)


def cost_until(end: date, level: float = 100.0, fee: float = 0.0) -> list[float]:
    days = [FIRST + timedelta(days=place) for place in range((end - FIRST).days)]
    return [
        level * (0.5 if day.weekday() >= 5 else 1.0) + (fee if day.day == 15 else 0.0)
        for day in days
    ]


def month_total(cost: list[float], month: date) -> float:
    start = (month - FIRST).days
    length = ((month + timedelta(days=32)).replace(day=1) - month).days
    return sum(cost[start : start + length])


@pytest.mark.parametrize("day", [3, 10, 20, 30])
def test_a_steady_month_is_forecast_to_the_percent_with_its_weekends(day: int) -> None:
    cost = cost_until(date(2025, 7, 1))
    end = ends(cost, date(2025, 6, day))
    assert end.p50[0] == pytest.approx(month_total(cost, date(2025, 6, 1)), rel=0.01)


def test_a_fee_still_to_come_is_in_the_forecast() -> None:
    cost = cost_until(date(2025, 7, 1), fee=900.0)
    end = ends(cost, date(2025, 6, 8))
    assert end.p50[0] == pytest.approx(month_total(cost, date(2025, 6, 1)), rel=0.02)


def test_a_shock_that_goes_on_is_carried_to_the_end_of_the_month() -> None:
    cost = cost_until(date(2025, 7, 1))
    cost[-20:] = [3 * amount for amount in cost[-20:]]
    end = ends(cost, date(2025, 6, 16))
    assert end.p50[0] == pytest.approx(month_total(cost, date(2025, 6, 1)), rel=0.05)


@settings(deadline=None, max_examples=8)
@given(
    noise=st.floats(0.0, 0.6),
    day=st.integers(1, 30),
    seed=st.integers(0, 1_000),
    level=st.floats(0.01, 1e6),
)
def test_the_range_holds_the_middle_and_nothing_is_below_what_is_known(
    noise: float, day: int, seed: int, level: float
) -> None:
    random = np.random.default_rng(seed)
    cost = [
        amount * float(np.exp(noise * random.standard_normal()))
        for amount in cost_until(date(2025, 7, 1), level)
    ]
    end = ends(cost, date(2025, 6, day))
    assert end.known[0] <= end.p50[0] * (1 + 1e-9)
    assert end.p10[0] <= end.p50[0] <= end.p90[0]
    assert end.p10[0] >= end.known[0] * (1 - 1e-9)


def test_nothing_known_forecasts_nothing() -> None:
    end = ends([0.0] * 150, date(2025, 5, 20))
    assert end.p50[0] == pytest.approx(0.0, abs=1e-6)


def as_budget(
    cost: list[float], today: date, limit: str, before: Iterable[Finding] = ()
) -> list[Finding]:
    as_of = datetime(today.year, today.month, today.day, 20, tzinfo=UTC)
    ledger = known_ledger(cost).as_of(int(as_of.timestamp()))
    first = max(first_needed(as_of), FIRST)
    known = np.zeros((today - first).days + 1)
    place = ledger.day - number(first)
    inside = (place >= 0) & (place < len(known))
    np.add.at(known, place[inside], ledger.billed_cost[inside])
    budget = Budget("ml", Money(Decimal(limit), "USD"), parse_filter('provider:"aws"'))
    days = BudgetDays(first, tuple(Decimal(str(round(one, 9))) for one in known), ("aws",))
    inputs = Inputs(
        as_of=as_of,
        estate=Estate(budgets=(budget,)),
        ledger=ledger,
        budget_days={"ml": days},
        open_findings=list(before),
    )
    return list(BudgetWatch().analyze(inputs))


def test_a_budget_that_will_break_names_the_day() -> None:
    [found] = as_budget(cost_until(date(2025, 7, 1)), date(2025, 6, 10), "2000")
    assert found.title == "Budget ml of $2,000 breaks on 24 Jun: June ends at about $2,550"
    assert found.labels == {"budget": "ml", "month": "2025-06"}
    assert found.severity == Severity.WARNING
    assert found.evidence["breaks_on"] == "2025-06-24"
    assert "--filter 'provider:\"aws\"'" in found.next_step


def test_a_broken_budget_is_critical_and_its_spend_is_exact() -> None:
    [found] = as_budget([100.01] * 181, date(2025, 6, 10), "500")
    assert found.severity == Severity.CRITICAL
    assert found.evidence["spent"] == "800.08"
    assert found.title == "Budget ml is broken: $800 of $500 spent in June"


def test_a_budget_that_holds_is_silent() -> None:
    assert as_budget(cost_until(date(2025, 7, 1)), date(2025, 6, 20), "2700") == []


def test_a_told_budget_is_over_only_once_its_range_allows() -> None:
    random = np.random.default_rng(3)
    cost = [
        amount * float(np.exp(0.1 * random.standard_normal()))
        for amount in cost_until(date(2025, 7, 1))
    ]
    told = as_budget(cost, date(2025, 6, 10), "2400")
    assert told
    middle = Decimal(told[0].evidence["forecast_p50"])
    just_above = str(middle + 1)
    assert as_budget(cost, date(2025, 6, 10), just_above) == []
    assert as_budget(cost, date(2025, 6, 10), just_above, before=told) != []


def test_the_last_days_of_a_month_can_break_its_budget_after_it_has_ended() -> None:
    found = as_budget([100.0] * 190, date(2025, 7, 2), "2990")
    assert [one.labels["month"] for one in found] == ["2025-06"]
    assert "has ended" in found[0].detail


def test_a_budget_without_history_is_not_forecast() -> None:
    young = [0.0] * 155 + [100.0] * 10
    assert as_budget(young[-10:], FIRST + timedelta(days=9), "500")[0].severity == Severity.CRITICAL
    assert as_budget(young[-10:], FIRST + timedelta(days=9), "2000") == []


def test_a_day_is_whole_once_its_provider_has_usually_told_it() -> None:
    today = FIRST + timedelta(days=100)
    changes = []
    for place in range(101):
        day = number(FIRST) + place
        for age, share in ((1, 0.6), (2, 0.35), (3, 0.05)):
            changes.append((NAME, day, (day + age) * DAY_SECONDS, False, share, share))
    ledger = Ledger.of(changes)
    moment = (number(today) + 1) * DAY_SECONDS - 1
    assert whole_days(ledger, today=number(today), until_seconds=moment) == {
        "aws": number(today) - 3
    }


def test_no_day_gets_whole_while_its_provider_is_silent() -> None:
    ledger = known_ledger([10.0] * 60)
    late = number(FIRST) + 90
    whole = whole_days(ledger, today=late, until_seconds=(late + 1) * DAY_SECONDS)
    assert whole == {"aws": number(FIRST) + 59}
