from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.economics.cloud import gpu_hours_cost, rented_month, spot_price, token_api_month
from analysis.economics.hysteresis import crossings, has_crossed
from analysis.economics.idle_cost import displaceable, energy_hourly, idle_hour
from analysis.economics.ownership import OwnMonth, amortized_hourly
from analysis.economics.unit_cost import (
    blended_price,
    devices_needed,
    equivalence,
    per_gpu_hour,
    per_mtok,
    per_useful_gpu_hour,
)
from spendwatt.errors import MoneyError

quick = settings(deadline=None, max_examples=60)
D = Decimal


def test_commitment_is_paid_used_or_not_and_the_rest_on_demand() -> None:
    used = rented_month(
        gpu_hours=D(1_000), hourly=D(3), committed_gpu_hours=D(800), committed_hourly=D(2)
    )
    unused = rented_month(
        gpu_hours=D(0), hourly=D(3), committed_gpu_hours=D(800), committed_hourly=D(2)
    )
    assert (used, unused) == (D(800) * 2 + 200 * 3, D(1_600))


def test_spot_with_rework_costs_the_work_done_twice() -> None:
    assert spot_price(D("1.00"), D("0.15")) == D("1.15")


def test_cached_and_batched_tokens_have_their_own_price() -> None:
    bill = token_api_month(
        input_mtok=D(10),
        cached_mtok=D(90),
        output_mtok=D(5),
        input_price=D(3),
        cached_price=D("0.30"),
        output_price=D(15),
        batch_discount=D("0.5"),
    )
    assert bill == (30 + 27 + 75) / D(2)


def test_cost_per_token_is_inverse_to_utilization() -> None:
    full, tenth = per_mtok(D("12.08"), D(30_576)), per_mtok(D("12.08"), D(30_576), D("0.1"))
    assert full is not None
    assert tenth is not None
    assert abs(tenth - 10 * full) < D("1e-20")


@pytest.mark.parametrize("tokens", [D(0), D(-5)])
def test_device_that_makes_no_tokens_has_no_token_price(tokens: Decimal) -> None:
    assert per_mtok(D(1), tokens) is None


def test_unused_hour_has_no_useful_price() -> None:
    assert per_useful_gpu_hour(D(2), D(0)) is None
    assert per_useful_gpu_hour(D(2), D("0.5")) == 4


def test_own_gpu_hour_spreads_the_month() -> None:
    assert per_gpu_hour(D(5_840), 8, D(730)) == 1


@quick
@given(st.decimals(0, 100, places=2), st.decimals(0, 100, places=2))
def test_blended_price_lies_between_its_two(low: Decimal, more: Decimal) -> None:
    blended = blended_price(low, low + more)
    assert low <= blended + D("1e-20")
    assert blended <= low + more + D("1e-20")


@quick
@given(st.integers(0, 10_000), st.integers(1, 500), st.decimals("0.1", 1, places=2))
def test_devices_needed_carry_the_demand_and_one_less_would_not(
    demand: int, rate: int, target: Decimal
) -> None:
    devices = devices_needed(D(demand), D(rate), target)
    assert devices * rate * target >= demand - D("1e-15")
    assert devices == 0 or (devices - 1) * rate * target < demand


def test_equivalence_to_a_reference_that_does_nothing_is_unknown() -> None:
    assert equivalence(D(100), D(0)) is None


def test_idle_cost_is_avoidable_only_by_its_energy() -> None:
    hour = idle_hour(
        purchase_price=D(30_000),
        salvage=D(6_000),
        life_years=D(4),
        maintenance_percent_per_year=D(5),
        energy=energy_hourly(D(75), D("1.5"), D("0.15")),
    )
    assert hour.avoidable == D("0.016875")
    assert round(hour.total, 4) == D("0.8730")


def test_only_what_was_rented_meanwhile_is_displaceable() -> None:
    assert displaceable(D(100), D(30), D("2.50")) == 75
    assert displaceable(D(10), D(30), D("2.50")) == 25


def test_month_of_owning_adds_up_and_scales() -> None:
    month = OwnMonth(capital=D(10), energy=D(5), maintenance=D(3), staff=D(2), other=D(1))
    assert (month.total, month.running, month.fixed) == (21, 11, 16)
    assert month.times(3).total == 63


@pytest.mark.parametrize(
    "impossible",
    [
        lambda: gpu_hours_cost(D(1), D(1), D(0)),
        lambda: amortized_hourly(capex=D(1), years=D(0), own_hourly=D(1)),
        lambda: per_gpu_hour(D(1), 0, D(730)),
        lambda: devices_needed(D(1), D(0), D(1)),
    ],
)
def test_impossible_hardware_is_refused(impossible) -> None:
    with pytest.raises(MoneyError):
        impossible()


ratios = st.lists(st.decimals("0.7", "1.3", places=2), min_size=1, max_size=40)


@quick
@given(ratios)
def test_local_side_mirrors_the_cloud_side(found: list[Decimal]) -> None:
    mirrored = [2 - ratio for ratio in found]
    assert crossings(found, runs_in="cloud") == crossings(mirrored, runs_in="local")


@quick
@given(ratios)
def test_first_crossing_told_is_the_first_with_three_in_a_row(found: list[Decimal]) -> None:
    told = crossings(found, runs_in="cloud")
    first = next(
        (
            place
            for place in range(len(found))
            if has_crossed(found[: place + 1], runs_in="cloud", is_told=False)
        ),
        None,
    )
    assert told[:1] == ([] if first is None else [first])
