from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.economics.breakeven import (
    Plan,
    Step,
    first_crossing,
    pay_back,
    simple_breakeven,
    threshold_hours_per_day,
    utilization_turn,
)
from analysis.economics.discounting import annuity, monthly_rate, present_value
from analysis.economics.ownership import keep_or_move
from spendwatt.errors import MoneyError

quick = settings(deadline=None, max_examples=60)
NEAR = Decimal("1e-18")


def amounts(least: int = 0, most: int = 1_000_000) -> st.SearchStrategy[Decimal]:
    return st.decimals(least, most, places=2)


def months_or_never(plan: Plan) -> Decimal:
    months = pay_back(plan).months
    return Decimal("Infinity") if months is None else months


plans = st.builds(
    Plan,
    stay_per_month=amounts(1, 100_000),
    go_per_month=amounts(0, 100_000),
    upfront=amounts(),
    committed_per_month=amounts(0, 10_000),
    committed_months=st.integers(0, 30),
    growth_per_month=st.decimals("-0.05", "0.05", places=3),
    price_decline_per_year=st.decimals(0, "0.5", places=2),
    rate_per_year=st.decimals(0, "0.5", places=2),
    horizon_months=st.integers(1, 60),
)


def test_article_that_says_35k_is_60k_and_local_is_ahead_after_3_33_years() -> None:
    years = simple_breakeven(Decimal(50_000), Decimal(20_000), Decimal(5_000))
    assert Decimal(20_000) * 3 == 60_000
    assert years is not None
    assert round(years, 2) == Decimal("3.33")


def test_article_followed_month_by_month_crosses_after_forty_months() -> None:
    article = Plan(
        stay_per_month=Decimal(20_000) / 12,
        go_per_month=Decimal(5_000) / 12,
        upfront=Decimal(50_000),
    )
    result = pay_back(article)
    assert result.months is not None
    assert abs(result.months - 40) < NEAR
    assert round(result.curve[36].stay_total) == 60_000
    assert round(result.curve[36].go_total) == 65_000


def test_same_cost_on_both_sides_never_pays() -> None:
    assert pay_back(Plan(stay_per_month=Decimal(5), go_per_month=Decimal(5))).months is None


def test_start_with_nothing_to_earn_back_pays_already() -> None:
    assert pay_back(Plan(stay_per_month=Decimal(5), go_per_month=Decimal(4))).months == 0


def test_start_at_zero_that_loses_first_is_paid_back_when_it_returns() -> None:
    plan = Plan(
        stay_per_month=Decimal(10),
        go_per_month=Decimal(5),
        committed_per_month=Decimal(10),
        committed_months=4,
    )
    assert pay_back(plan).months == 8


def test_payback_that_later_turns_to_a_loss_says_when() -> None:
    fading = Plan(
        stay_per_month=Decimal(100),
        go_per_month=Decimal(50),
        upfront=Decimal(60),
        growth_per_month=Decimal("-0.2"),
        horizon_months=24,
    )
    result = pay_back(fading)
    assert result.months is not None
    assert result.reverses_month is not None
    assert result.curve[result.reverses_month].position < 0
    assert result.net_present_value < 0


def test_growing_demand_buys_the_next_server_when_it_outgrows_the_last() -> None:
    plan = Plan(
        stay_per_month=Decimal(100),
        go_per_month=Decimal(10),
        upfront=Decimal(1_000),
        growth_per_month=Decimal("0.10"),
        step=Step(Decimal("0.9"), unit_price=Decimal(1_000), unit_per_month=Decimal(10)),
        horizon_months=6,
    )
    costs = [month.go for month in pay_back(plan).curve[1:]]
    assert costs == [10, 10, 1_020, 20, 20, 20]


@quick
@given(plans)
def test_payback_position_is_zero_at_the_month_it_names(plan: Plan) -> None:
    result = pay_back(plan)
    if result.months is None or result.months == 0:
        return
    month = int(result.months)
    share = result.months - month
    before = result.curve[month].position
    after = result.curve[min(month + 1, plan.horizon_months)].position
    assert abs(before + (after - before) * share) < Decimal("1e-12")


@quick
@given(plans, amounts(0, 10_000))
def test_dearer_purchase_never_pays_back_sooner(plan: Plan, more: Decimal) -> None:
    dearer = replace(plan, upfront=plan.upfront + more)
    assert months_or_never(dearer) >= months_or_never(plan)


@quick
@given(plans, amounts(0, 10_000))
def test_dearer_cloud_never_pays_back_later(plan: Plan, more: Decimal) -> None:
    dearer = replace(plan, stay_per_month=plan.stay_per_month + more)
    assert months_or_never(dearer) <= months_or_never(plan)


@quick
@given(plans, amounts(0, 10_000))
def test_dearer_power_never_pays_back_sooner(plan: Plan, more: Decimal) -> None:
    dearer = replace(plan, go_per_month=plan.go_per_month + more)
    assert months_or_never(dearer) >= months_or_never(plan)


@quick
@given(amounts(1), amounts(1, 100_000), amounts(0, 100_000))
def test_discount_of_nothing_is_the_simple_answer(
    upfront: Decimal, stay: Decimal, go: Decimal
) -> None:
    simple = simple_breakeven(upfront, stay, go)
    plan = Plan(stay_per_month=stay, go_per_month=go, upfront=upfront, horizon_months=60)
    months = pay_back(plan).months
    if simple is None or simple > 60:
        assert months is None
    else:
        assert months is not None
        assert abs(months - simple) < NEAR


@quick
@given(plans, st.integers(2, 9))
def test_everything_times_a_factor_pays_back_at_the_same_moment(plan: Plan, factor: int) -> None:
    whole = replace(
        plan,
        stay_per_month=plan.stay_per_month * factor,
        go_per_month=plan.go_per_month * factor,
        upfront=plan.upfront * factor,
        committed_per_month=plan.committed_per_month * factor,
    )
    one, many = pay_back(plan), pay_back(whole)
    assert (one.months is None) == (many.months is None)
    assert abs((one.months or 0) - (many.months or 0)) < Decimal("1e-9")
    assert abs(one.net_present_value * factor - many.net_present_value) < Decimal("1e-9")


@quick
@given(amounts(1), st.decimals(0, 1, places=3), st.integers(1, 120))
def test_annuity_is_worth_what_it_spreads(present: Decimal, rate: Decimal, months: int) -> None:
    per_month = monthly_rate(rate)
    payment = annuity(present, per_month, Decimal(months))
    worth = sum(present_value(payment, per_month, Decimal(m)) for m in range(1, months + 1))
    assert abs(worth - present) < Decimal("1e-9")


@quick
@given(amounts(), amounts(0, 1_000), amounts(0, 10_000), st.integers(1, 100))
def test_what_was_once_paid_plays_no_part_in_keeping(
    resale: Decimal, running: Decimal, cloud: Decimal, months: int
) -> None:
    result = keep_or_move(
        resale_now=resale,
        resale_at_end=Decimal(0),
        life_left_months=Decimal(months),
        avoidable_per_month=running,
        cloud_per_month=cloud,
        rate_per_year=Decimal(0),
    )
    assert abs(result.keep_per_month - (resale / months + running)) < NEAR
    assert result.decision == ("keep" if result.keep_per_month <= cloud else "move")


@quick
@given(amounts(0, 5), amounts(0, 5), amounts(0, 5), amounts(0, 5))
def test_utilization_turn_makes_both_sides_equal(
    fixed: Decimal, idle: Decimal, cloud: Decimal, marginal: Decimal
) -> None:
    turn = utilization_turn(
        fixed_hourly=fixed, idle_energy_hourly=idle, cloud=cloud, marginal_energy=marginal
    )
    if turn is None:
        assert cloud <= marginal
    else:
        assert abs(fixed + idle + turn * marginal - turn * cloud) < Decimal("1e-15")


def test_free_cloud_has_no_threshold() -> None:
    hours = threshold_hours_per_day(
        capex=Decimal(1), own_hourly_always_on=Decimal(1), cloud_hourly=Decimal(0), years=Decimal(1)
    )
    assert hours is None


@pytest.mark.parametrize(
    ("positions", "months"),
    [
        ([Decimal(0), Decimal(0)], None),
        ([Decimal(0), Decimal(-1), Decimal(1)], Decimal("1.5")),
        ([Decimal(5), Decimal(-1)], Decimal(0)),
        ([Decimal(-4), Decimal(0)], Decimal(1)),
        ([Decimal(-4)], None),
    ],
)
def test_first_crossing_of_the_edges(positions: list[Decimal], months: Decimal | None) -> None:
    assert first_crossing(positions) == months


def test_rate_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(MoneyError, match="leaves nothing to discount"):
        monthly_rate(Decimal(-1))
