from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.bill_shock import BillShock, Settings, first_needed
from analysis.bill_shock_replay import Alert, Replay
from analysis.bill_shock_rules import Rule
from analysis.inputs import Inputs
from analysis.ledger import DAY_SECONDS, Change, Ledger, SeriesName
from analysis.wording import number
from spendwatt.estate import Estate
from spendwatt.records import Finding, Severity

FIRST = date(2025, 1, 6)
"""A Monday."""
SERIES = ("aws", "prod", "compute", "eu-west-1", "USD")
OTHER = ("aws", "prod", "storage", "eu-west-1", "USD")
LAG = (0.7, 0.95, 1.0)
"""Share of a day known after one, two, three days."""


def noisy(days: int, level: float = 1000.0, noise: float = 0.02, seed: int = 1) -> list[float]:
    random = np.random.default_rng(seed)
    return [float(level * np.exp(noise * random.standard_normal())) for _ in range(days)]


def delivered(
    cost: Iterable[float], name: SeriesName = SERIES, lag: tuple[float, ...] = LAG
) -> list[Change]:
    changes: list[Change] = []
    for place, amount in enumerate(cost):
        known = 0.0
        for age, share in enumerate(lag, start=1):
            part = amount * (share - known)
            known = share
            day = number(FIRST) + place
            changes.append((name, day, (day + age) * DAY_SECONDS, False, part, part))
    return changes


def at_end_of(place: int) -> datetime:
    return datetime(FIRST.year, FIRST.month, FIRST.day, 23, tzinfo=UTC) + timedelta(days=place)


def findings(
    changes: list[Change], place: int, before: Iterable[Finding] = (), **given: object
) -> list[Finding]:
    """Judge as the daemon would on the evening of a day."""
    as_of = at_end_of(place)
    ledger = Ledger.of(changes).as_of(int(as_of.timestamp()))
    ledger = ledger.where(ledger.day >= number(first_needed(as_of)))
    inputs = Inputs(as_of=as_of, estate=Estate(), ledger=ledger, open_findings=list(before))
    return list(BillShock(Settings.model_validate(given)).analyze(inputs))


def alerts(changes: list[Change], places: int, **given: object) -> list[Alert]:
    last = number(FIRST) + places - 1
    return Replay(Ledger.of(changes), last_day=last, roll_up=False, **given).run()  # type: ignore[arg-type]


def test_a_jump_is_told_on_the_day_that_carries_it_with_money_since_and_next_step() -> None:
    [found] = findings(delivered([*noisy(120), 2600.0, 2700.0, 2700.0]), 123)
    assert found.labels == {
        "provider": "aws",
        "account": "prod",
        "service": "compute",
        "currency": "USD",
        "direction": "up",
        "started_on": "2025-05-06",
    }
    assert found.title.startswith("aws prod compute: $2,600 on 6 May, expected $")
    assert "Since 6 May" in found.detail
    assert "eu-west-1" in found.detail
    assert "spendwatt silence" in found.next_step
    assert found.severity in {Severity.WARNING, Severity.CRITICAL}
    assert found.money_at_stake is not None
    assert found.money_at_stake > Decimal(3000)


def test_a_part_of_a_day_is_enough_once_it_exceeds_the_limit_by_itself() -> None:
    raised = alerts(delivered([*noisy(120), 3000.0]), 122)
    assert [(one.day - number(FIRST), one.alerted_on - one.day) for one in raised] == [(120, 1)]
    assert raised[0].known == pytest.approx(2100.0)


def test_a_day_that_is_still_arriving_is_never_a_drop() -> None:
    assert alerts(delivered([*noisy(120), 1.0, 1.0, 1.0]), 123) == []


def test_costs_that_vanish_are_told_once_three_whole_days_agree() -> None:
    raised = alerts(delivered([*noisy(120), *([20.0] * 12)]), 130)
    assert {one.direction for one in raised} == {-1}
    assert raised[0].day - number(FIRST) == 122
    assert raised[0].rule == Rule.DROP


def test_two_low_days_are_a_holiday() -> None:
    assert alerts(delivered([*noisy(120), 300.0, 300.0, *noisy(20, seed=2)]), 140) == []


def test_a_source_that_falls_silent_is_no_drop() -> None:
    assert alerts(delivered(noisy(120)), 160) == []


def test_the_fee_of_each_month_is_silent_from_its_third_time_on() -> None:
    days = [FIRST + timedelta(days=place) for place in range(200)]
    cost = [
        amount + (4000.0 if day.day == 1 else 0.0)
        for day, amount in zip(days, noisy(200), strict=True)
    ]
    told = {FIRST + timedelta(days=one.day - number(FIRST)) for one in alerts(delivered(cost), 200)}
    assert told <= {date(2025, 2, 1), date(2025, 3, 1)}


def test_weekends_and_steady_growth_are_silent() -> None:
    cost = [
        amount * (0.35 if place % 7 >= 5 else 1.0) * 1.002**place
        for place, amount in enumerate(noisy(220))
    ]
    assert alerts(delivered(cost), 220) == []


def test_late_and_restated_days_are_silent() -> None:
    changes = delivered(noisy(150))
    late = [
        (name, day, received + 3 * DAY_SECONDS if day % 11 == 0 else received, seen, cost, cost)
        for name, day, received, seen, cost, _ in changes
    ]
    restated = [
        (SERIES, number(FIRST) + place, (number(FIRST) + 140) * DAY_SECONDS, False, -4.0, -4.0)
        for place in range(100, 130)
    ]
    assert alerts([*late, *restated], 150) == []


def test_cost_that_arrives_weeks_late_is_still_told() -> None:
    changes = delivered(noisy(130))
    day = number(FIRST) + 120
    changes.append((SERIES, day, (day + 6) * DAY_SECONDS, False, 5000.0, 5000.0))
    assert [(one.day, one.alerted_on) for one in alerts(changes, 130)] == [(day, day + 6)]


def test_a_new_service_is_told_on_its_first_day() -> None:
    changes = delivered(noisy(120)) + delivered([0.0] * 100 + [400.0] * 20, OTHER)
    raised = alerts(changes, 120)
    assert {(one.rule, one.day - number(FIRST)) for one in raised} == {
        (Rule.NEW, 100),
        (Rule.NEW, 101),
        (Rule.NEW, 102),
    }


def test_a_ramp_is_found_while_it_climbs() -> None:
    ramp = [1000.0 * (1 + 0.03 * step) for step in range(30)]
    raised = alerts(delivered([*noisy(120), *ramp]), 150)
    assert raised
    assert raised[0].day - number(FIRST) <= 135


def test_a_level_that_lasts_becomes_the_normal_one() -> None:
    raised = alerts(delivered([*noisy(120), *noisy(80, level=1800.0, seed=3)]), 200)
    days = [one.day - number(FIRST) for one in raised]
    assert days[0] == 120
    assert max(days) < 155


def test_a_shock_keeps_its_id_from_day_to_day_until_it_is_over() -> None:
    changes = delivered([*noisy(120), *([2000.0] * 9), *noisy(20, seed=4)])
    told: list[Finding] = []
    seen = []
    for place in range(121, 139, 3):
        told = findings(changes, place, told)
        seen.append([found.id for found in told])
    ids = {found for day in seen for found in day}
    assert len(ids) == 1
    assert seen[0] != []
    assert seen[-1] == []


def test_small_money_is_detected_but_not_told() -> None:
    cents = [amount / 1000 for amount in [*noisy(120), *([2600.0] * 4)]]
    assert alerts(delivered(cents), 125)
    assert findings(delivered(cents), 124) == []
    assert findings(delivered(cents), 124, floor=0, floor_percent=0) != []


def test_a_broad_move_is_told_by_its_parts_and_not_again_by_their_sum() -> None:
    changes = delivered([*noisy(120), *([3000.0] * 4)])
    changes += delivered([*noisy(120, seed=5), *([3000.0] * 4)], OTHER)
    assert {found.labels.get("service") for found in findings(changes, 124)} == {
        "compute",
        "storage",
    }


def test_many_small_moves_are_told_by_the_account_that_they_add_up_in() -> None:
    changes = []
    for place in range(12):
        name = ("aws", "prod", f"service-{place}", "eu-west-1", "USD")
        before = noisy(120, 100.0, 0.12, seed=place + 10)
        changes += delivered(
            [*before, *(1.35 * cost for cost in noisy(8, 100.0, 0.02, place))], name
        )
    found = findings(changes, 127)
    assert any("service" not in one.labels for one in found)


def test_a_change_of_currency_is_neither_new_nor_a_drop() -> None:
    euro = (*SERIES[:4], "EUR")
    changes = delivered([*noisy(100), *([0.0] * 30)])
    changes += delivered([0.0] * 100 + noisy(30, level=900.0), euro)
    assert alerts(changes, 130) == []


@pytest.mark.parametrize(
    "cost",
    [
        [],
        [5.0],
        [0.0] * 130,
        [-5.0] * 130,
        [0.0] * 129 + [1.0],
        [1000.0, -2000.0] * 65,
        noisy(60) + [0.0] * 10 + noisy(60),
    ],
    ids=["none", "one day", "zero", "credits", "a cent", "credits above cost", "a gap"],
)
def test_odd_series_raise_nothing_unexpected(cost: list[float]) -> None:
    changes = delivered(cost)
    for place in (30, 131):
        assert findings(changes, place) == []


def test_the_range_and_the_plot_are_in_the_evidence() -> None:
    [found] = findings(delivered([*noisy(120), 2600.0]), 124)
    evidence = found.evidence
    assert Decimal(evidence["expected_low"]) < Decimal(evidence["expected"])
    assert Decimal(evidence["expected"]) < Decimal(evidence["expected_high"])
    assert evidence["causes"][0]["value"] == "eu-west-1"
    assert evidence["plot"][-1]["alerted"] is True
    assert evidence["rule"] == "jump"


def test_sensitivity_moves_the_limits() -> None:
    small = [*noisy(120), 1310.0, *noisy(3)]
    assert findings(delivered(small), 124, sensitivity="low", floor=0) == []
    assert findings(delivered(small), 124, sensitivity="normal", floor=0) != []


SHOCKED: Callable[[], list[Change]] = lambda: (  # noqa: E731
    delivered([*noisy(100, seed=6), *([1700.0] * 5), *noisy(15, seed=7)])
    + delivered(noisy(120, level=50.0, noise=0.2, seed=8), OTHER)
)


def judged(changes: list[Change], places: int = 120) -> list[tuple[int, int, int, int]]:
    return sorted(
        (one.row, one.day, one.alerted_on, one.direction) for one in alerts(changes, places)
    )


@settings(deadline=None, max_examples=5)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_means_nothing(random: object) -> None:
    changes = SHOCKED()
    before = judged(changes)
    random.shuffle(changes)  # type: ignore[attr-defined]
    assert judged(changes) == before


@settings(deadline=None, max_examples=5)
@given(st.floats(0.1, 0.9))
def test_splitting_rows_changes_nothing(share: float) -> None:
    changes = SHOCKED()
    split = [
        (name, day, received, assumed, cost * part, cost * part)
        for name, day, received, assumed, cost, _ in changes
        for part in (share, 1 - share)
    ]
    assert judged(split) == judged(changes)


@settings(deadline=None, max_examples=5)
@given(st.floats(0.001, 1000.0))
def test_scaling_all_costs_changes_nothing(factor: float) -> None:
    changes = SHOCKED()
    scaled = [
        (name, day, received, assumed, cost * factor, cost * factor)
        for name, day, received, assumed, cost, _ in changes
    ]
    assert judged(scaled) == judged(changes)


@settings(deadline=None, max_examples=5)
@given(st.integers(60, 119))
def test_a_judgement_never_sees_the_future(place: int) -> None:
    changes = SHOCKED()
    today = number(FIRST) + place
    whole = [one for one in judged(changes) if one[2] <= today]
    past = [change for change in changes if change[2] < (today + 1) * DAY_SECONDS]
    assert [one for one in judged(past, place + 1) if one[2] <= today] == whole
