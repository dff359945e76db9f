"""Which parts of a series explain its excess, each against its own expectation."""

from __future__ import annotations

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
_WEEKS = 4


@dataclass(frozen=True, slots=True)
class Part:
    """One value of a dimension, its cost over some days and what it should have been."""

    dimension: str
    """`service`, `region`, later `sku`, `resource` or a tag."""
    value: str
    cost: float
    usual: float

    @property
    def excess(self) -> float:
        """Cost over the usual."""
        return self.cost - self.usual


@dataclass(frozen=True, slots=True)
class Cause:
    """A part and the share of the whole excess that it explains."""

    part: Part
    share: float

    @property
    def is_new(self) -> bool:
        """Tell whether the part hardly existed before."""
        return self.part.usual < 0.01 * self.part.cost


def causes(parts: Sequence[Part]) -> list[Cause]:
    """Rank the parts that move as the whole does, by the share that each explains.

    Parts that moved the other way are left out of the shares: two moves that cancel out must
    not hide one another.
    """
    whole = sum(part.excess for part in parts)
    direction = 1 if whole >= 0 else -1
    moved = [part for part in parts if direction * part.excess > 0]
    sum_moved = sum(part.excess for part in moved)
    if not sum_moved:
        return []
    ranked = sorted(moved, key=lambda part: (-abs(part.excess), part.dimension, part.value))
    return [Cause(part, part.excess / sum_moved) for part in ranked]


def services(replay: Replay, key: SeriesKey, columns: Ints) -> list[Part]:
    """Split the days of an account (or of everything) by service, expected fees subtracted."""
    parts: dict[str, tuple[float, float]] = {}
    state = replay.state
    for row, other in enumerate(replay.keys):
        inside = key.account in {ALL, other.account} and key.provider in {ALL, other.provider}
        if other.level != "service" or not inside or other.currency != key.currency:
            continue
        cost, usual = parts.get(other.service, (0.0, 0.0))
        parts[other.service] = (
            cost + float(state.cost[row, columns].sum()),
            usual + float(np.nan_to_num(state.expected[row, columns]).sum()),
        )
    return [Part("service", name, cost, usual) for name, (cost, usual) in sorted(parts.items())]


def regions(ledger: Ledger, key: SeriesKey, days: Ints) -> list[Part]:
    """Split days (from 1970-01-01) of a series by region; usual is the weekday's median."""
    parts = []
    for place, (provider, account, service, region, currency) in enumerate(ledger.series):
        if SeriesKey(provider, account, service, currency) != key:
            continue
        rows = ledger.series_index == place
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
