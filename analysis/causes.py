"""Which parts of a series explain its excess, each against its own expectation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.bill_shock_replay import Replay
from analysis.ledger import Ledger
from analysis.series import ALL, Floats, Ints, SeriesKey

LEAST_SHARE = 0.05
"""Parts that explain less are not worth a word."""
MOST_PARTS = 3
CLEAR = 2.5
"""Standard deviations that a large part must be off before it can explain a small one's shock."""
_WEEKS = 4


@dataclass(frozen=True, slots=True)
class Part:
    """One value of a dimension, its cost over some days and what it should have been."""

    dimension: str
    """`service`, `region`, later `sku`, `resource` or a tag."""
    value: str
    cost: float
    usual: float
    noise: float = 0.0
    """Standard deviation of the cost about the usual; 0 where it is not known."""

    @property
    def excess(self) -> float:
        """Cost over the usual."""
        return self.cost - self.usual

    @property
    def clear(self) -> float:
        """The size of the excess that is more than noise."""
        return max(abs(self.excess) - CLEAR * self.noise, 0.0)


@dataclass(frozen=True, slots=True)
class Cause:
    """A part and the share of the whole excess that it explains."""

    part: Part
    share: float

    @property
    def is_new(self) -> bool:
        """Tell whether the part hardly existed before."""
        return self.part.usual < 0.01 * self.part.cost


def causes(parts: Sequence[Part], direction: int) -> list[Cause]:
    """Rank the parts that moved in the direction (1 up, -1 down), by the share each explains.

    Parts that moved the other way are left out of the shares: two moves that cancel out must
    not hide one another.
    """
    moved = [part for part in parts if direction * part.excess > 0]
    clear = [part for part in moved if part.clear]
    ranked = sorted(clear or moved, key=lambda part: (-part.clear, -abs(part.excess), part.value))
    weights = [part.clear if clear else abs(part.excess) for part in ranked]
    return [
        Cause(part, weight / sum(weights)) for part, weight in zip(ranked, weights, strict=True)
    ]


def services(replay: Replay, key: SeriesKey, columns: Ints) -> list[Part]:
    """Split the days of an account (or of everything) by service, expected fees subtracted."""
    found: dict[str, Part] = {}
    for row, other in enumerate(replay.keys):
        inside = key.account in {ALL, other.account} and key.provider in {ALL, other.provider}
        if other.level != "service" or not inside or other.currency != key.currency:
            continue
        before = found.get(other.service, Part("service", other.service, 0.0, 0.0))
        usual = [_expected(replay, row, int(column)) for column in columns]
        scale = float(np.nan_to_num(replay.state.fit.scale[row]))
        found[other.service] = Part(
            "service",
            other.service,
            cost=before.cost + float(replay.state.cost[row, columns].sum()),
            usual=before.usual + sum(usual),
            noise=math.hypot(before.noise, *(scale * one for one in usual)),
        )
    return [found[name] for name in sorted(found)]


def _expected(replay: Replay, row: int, column: int) -> float:
    state = replay.state
    known = float(state.expected[row, column])
    if not np.isfinite(known):
        # A day that is not whole and gave no cause for a look was not measured when it came.
        one, at = np.array([row]), np.array([column])
        fee, _ = state.fees.expected(one, at)
        known = float(np.exp(state.fit.log_expected(one, at))[0] + fee[0])
    return known if np.isfinite(known) else 0.0


def regions(ledger: Ledger, key: SeriesKey, days: Ints) -> list[Part]:
    """Split days (from 1970-01-01) of a series by region; usual is the weekday's median."""
    places: dict[str, list[int]] = {}
    for place, (provider, account, service, region, currency) in enumerate(ledger.series):
        if SeriesKey(provider, account, service, currency) == key:
            places.setdefault(region, []).append(place)
    parts = []
    for region, members in places.items():
        rows = np.isin(ledger.series_index, members)
        first = int(days.min()) - 7 * _WEEKS
        daily = _daily(ledger.day[rows], ledger.billed_cost[rows], first, int(days.max()))
        before = np.stack([daily[days - first - 7 * week] for week in range(1, _WEEKS + 1)])
        usual = np.median(before, axis=0).sum()
        cost = daily[days - first].sum()
        parts.append(Part("region", region, float(cost), float(usual)))
    return parts


def _daily(day: NDArray[np.int32], cost: Floats, first: int, last: int) -> Floats:
    daily = np.zeros(last - first + 1)
    inside = (day >= first) & (day <= last)
    np.add.at(daily, day[inside] - first, cost[inside])
    return daily
