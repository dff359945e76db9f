"""Own the base load, rent the peaks: the number of GPUs to own, from the load-duration curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spendwatt.errors import MoneyError


@dataclass(frozen=True, slots=True)
class Hybrid:
    """The cost of each number of owned GPUs over the hours given. Statistics: floats."""

    owned: NDArray[np.int64]
    """0, 1, 2, ... up to what would carry every peak, or as far as was asked."""
    cost: NDArray[np.float64]
    """Of each: fixed, marginal and rented together."""
    best: int
    """The largest N of least cost."""
    critical_ratio: float | None
    """Share of hours that a GPU must be busy to be worth owning; None: never worth it."""

    @property
    def best_cost(self) -> float:
        """Give the least cost."""
        return float(self.cost[self.best])

    @property
    def all_cloud(self) -> float:
        """Give the cost of owning nothing."""
        return float(self.cost[0])

    @property
    def all_own(self) -> float:
        """Give the cost of owning for the highest peak (or the most that was asked for)."""
        return float(self.cost[-1])

    def nearly_best(self, slack: float = 0.02) -> tuple[int, int]:
        """Give the least and the largest N that cost at most `slack` more than the best.

        Wide: the optimum is flat, and the smaller number ties up less money.
        """
        near = np.flatnonzero(self.cost <= self.best_cost * (1 + slack))
        return int(self.owned[near[0]]), int(self.owned[near[-1]])


def hybrid_optimum(
    demand: ArrayLike,
    *,
    fixed_hourly: float,
    marginal_hourly: float,
    cloud_hourly: float,
    hours: ArrayLike | None = None,
    most: int | None = None,
) -> Hybrid:
    """Find how many GPUs to own for a demand of so many GPUs in each hour.

    `hours` weighs each entry of `demand` (how many hours had it); by default one each. Costs are
    per GPU-hour: fixed whether used or not, marginal while used, cloud for what is rented. An owned
    GPU pays while it is used in at least fixed / (cloud - marginal) of the hours.

    Sorts once; then each N costs one look-up. Raises MoneyError for negative demand or prices.
    """
    load = np.asarray(demand, dtype=np.float64)
    weight = np.ones(len(load)) if hours is None else np.asarray(hours, dtype=np.float64)
    prices = (fixed_hourly, marginal_hourly, cloud_hourly)
    if (load < 0).any() or (weight < 0).any() or min(prices) < 0:
        raise MoneyError("a load, its hours and its prices cannot be negative")
    peak = int(np.ceil(load.max())) if len(load) else 0
    owned = np.arange((peak if most is None else most) + 1)
    served, asked = _served(load, weight, owned)
    span = float(weight.sum())
    cost = owned * fixed_hourly * span + served * marginal_hourly + (asked - served) * cloud_hourly
    gain = cloud_hourly - marginal_hourly
    # Equal costs differ in their last bits; the largest N of equals ties with P(D >= N) = ratio.
    ties = np.flatnonzero(cost <= cost.min() + 1e-12 * cost.max())
    best = int(ties[-1]) if gain > 0 else 0
    return Hybrid(owned, cost, best, fixed_hourly / gain if gain > 0 else None)


def _served(
    load: NDArray[np.float64], weight: NDArray[np.float64], owned: NDArray[np.int64]
) -> tuple[NDArray[np.float64], float]:
    """Give the GPU-hours that each N serves, sum of min(load, N), and those asked for."""
    order = np.argsort(load, kind="stable")
    load, weight = load[order], weight[order]
    below = np.concatenate(([0.0], np.cumsum(load * weight)))
    hours = np.concatenate(([0.0], np.cumsum(weight)))
    place = np.searchsorted(load, owned, side="right")
    return below[place] + owned * (hours[-1] - hours[place]), float(below[-1])
