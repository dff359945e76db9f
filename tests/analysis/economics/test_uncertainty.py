from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.economics.breakeven import Plan, Step, pay_back
from analysis.economics.uncertainty import NONE, Spread, simulate, tornado

amounts = st.decimals(0, 20_000, places=0)
plans = st.builds(
    Plan,
    stay_per_month=amounts,
    go_per_month=amounts,
    upfront=st.decimals(1, 300_000, places=0),
    committed_per_month=st.decimals(0, 3_000, places=0),
    committed_months=st.integers(0, 12),
    growth_per_month=st.decimals("-0.03", "0.03", places=3),
    price_decline_per_year=st.decimals(0, "0.3", places=2),
    rents=st.sampled_from(["stay", "go"]),
    step=st.none()
    | st.builds(
        Step,
        demand_share=st.decimals("0.2", "1", places=2),
        unit_price=amounts,
        unit_per_month=amounts,
    ),
    rate_per_year=st.decimals(0, "0.2", places=2),
    residual=amounts,
    horizon_months=st.integers(1, 60),
)
DAYS = tuple(300.0 + 60 * (n % 7 < 5) + 10 * (n % 3) for n in range(28))
PLAN = Plan(
    stay_per_month=Decimal(9_000),
    go_per_month=Decimal(2_000),
    upfront=Decimal(100_000),
    energy_per_month=Decimal(1_000),
    residual=Decimal(10_000),
    horizon_months=48,
)


@settings(deadline=None, max_examples=80)
@given(plans)
def test_future_without_any_spread_is_the_exact_one(plan: Plan) -> None:
    exact, drawn = pay_back(plan), simulate(plan, NONE, draws=3)
    scale = 1 + float(plan.upfront) + float(plan.stay_per_month + plan.go_per_month) * 60
    assert drawn.low[-1] == pytest.approx(float(exact.curve[-1].position), abs=1e-9 * scale)
    if abs(exact.curve[-1].position) < 1 or exact.reverses_month is not None:
        return
    months = None if exact.months is None else float(exact.months)
    assert drawn.p10_months == pytest.approx(months, abs=1e-6)
    assert drawn.p10_months == drawn.p50_months == drawn.p90_months
    assert drawn.never == (1.0 if months is None else 0.0)


@settings(deadline=None, max_examples=40)
@given(plans)
def test_percentiles_rise_and_never_is_what_lies_beyond(plan: Plan) -> None:
    drawn = simulate(plan, days=DAYS, draws=200)
    p10, p50, p90 = (
        float("inf") if months is None else months
        for months in (drawn.p10_months, drawn.p50_months, drawn.p90_months)
    )
    assert p10 <= p50 <= p90
    assert (p90 == float("inf")) == (drawn.never >= 0.1) or abs(drawn.never - 0.1) < 0.01
    assert all(low <= high for low, high in zip(drawn.low, drawn.high, strict=True))


def test_same_seed_draws_the_same_futures() -> None:
    assert simulate(PLAN, days=DAYS) == simulate(PLAN, days=DAYS)
    assert simulate(PLAN, days=DAYS, seed=1) != simulate(PLAN, days=DAYS, seed=2)


def test_wider_spread_widens_the_range() -> None:
    narrow = simulate(PLAN, Spread(growth=0.001), draws=2_000)
    wide = simulate(PLAN, Spread(growth=0.02), draws=2_000)
    assert narrow.p90_months is not None
    assert narrow.p10_months is not None
    assert wide.p10_months is not None
    assert wide.p10_months < narrow.p10_months
    assert wide.p90_months is None or wide.p90_months > narrow.p90_months


def test_steady_days_leave_the_level_alone_and_wild_ones_do_not() -> None:
    steady = simulate(PLAN, NONE, days=[100.0] * 28, draws=500)
    wild = simulate(PLAN, NONE, days=[10.0] * 14 + [190.0] * 14, draws=500)
    assert steady.p10_months == steady.p90_months
    assert wild.p10_months != wild.p90_months


def test_tornado_puts_the_widest_first_and_an_input_without_spread_moves_nothing() -> None:
    swings = tornado(PLAN, Spread(growth=0.01, price_decline=0.0, energy=0.1, residual=0.3))
    widths = [abs(swing.high - swing.low) for swing in swings]
    assert widths == sorted(widths, reverse=True)
    assert swings[0].name == "growth"
    still = {swing.name for swing in swings if swing.low == swing.high}
    assert still == {"demand", "price_decline"}


def test_dear_energy_lowers_the_worth_of_owning() -> None:
    by_name = {swing.name: swing for swing in tornado(PLAN)}
    assert by_name["energy"].high < by_name["energy"].low
    kept = {swing.name: swing for swing in tornado(replace(PLAN, rents="go"))}
    assert kept["energy"].high > kept["energy"].low
