from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.economics.hybrid import hybrid_optimum
from spendwatt.errors import MoneyError

loads = st.lists(st.floats(0, 30), min_size=1, max_size=60)
prices = st.integers(0, 5_000).map(lambda mills: mills / 1_000)


def brute_cost(load: list[float], owned: int, fixed: float, marginal: float, cloud: float) -> float:
    hours = (min(d, owned) * marginal + max(d - owned, 0) * cloud for d in load)
    return owned * fixed * len(load) + sum(hours)


@settings(deadline=None, max_examples=80)
@given(loads, prices, prices, prices)
def test_best_number_beats_every_other_by_brute_force(
    load: list[float], fixed: float, marginal: float, cloud: float
) -> None:
    result = hybrid_optimum(load, fixed_hourly=fixed, marginal_hourly=marginal, cloud_hourly=cloud)
    costs = [brute_cost(load, int(n), fixed, marginal, cloud) for n in result.owned]
    assert result.cost == pytest.approx(costs)
    assert result.best_cost <= min(costs) + 1e-6 or cloud <= marginal


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), prices, prices, prices)
def test_best_number_is_the_largest_that_is_busy_often_enough(
    load: list[int], fixed: float, marginal: float, cloud: float
) -> None:
    result = hybrid_optimum(load, fixed_hourly=fixed, marginal_hourly=marginal, cloud_hourly=cloud)
    if result.critical_ratio is None:
        assert result.best == 0
        return
    busy = [np.mean(np.array(load) >= n) for n in range(max(load) + 1)]
    clearly = [n for n, share in enumerate(busy) if share > result.critical_ratio + 1e-6]
    possibly = [n for n, share in enumerate(busy) if share >= result.critical_ratio - 1e-6]
    assert max(clearly, default=0) <= result.best <= max(possibly, default=0)


def test_hours_given_as_counts_are_hours_given_one_by_one() -> None:
    prices = {"fixed_hourly": 0.9, "marginal_hourly": 0.1, "cloud_hourly": 2.5}
    counted = hybrid_optimum([0, 2, 4, 8], hours=[100, 300, 200, 120], **prices)
    one_by_one = hybrid_optimum([0] * 100 + [2] * 300 + [4] * 200 + [8] * 120, **prices)
    assert counted.best == one_by_one.best == 4
    assert counted.cost == pytest.approx(one_by_one.cost)


def test_flat_optimum_says_how_far_it_is_flat() -> None:
    result = hybrid_optimum([0, 10], fixed_hourly=1.0, marginal_hourly=0.0, cloud_hourly=2.0)
    assert result.nearly_best() == (0, 10)


def test_negative_demand_is_refused() -> None:
    with pytest.raises(MoneyError, match="cannot be negative"):
        hybrid_optimum([-1.0], fixed_hourly=1, marginal_hourly=1, cloud_hourly=1)


def test_more_owned_than_the_peak_costs_more() -> None:
    result = hybrid_optimum(
        [1.0, 3.0], fixed_hourly=1.0, marginal_hourly=0.1, cloud_hourly=3.0, most=6
    )
    assert len(result.owned) == 7
    assert (np.diff(result.cost[3:]) > 0).all()
