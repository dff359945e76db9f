"""Explains a service's shock by its resources or SKUs: which moved, where, by quantity or price."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from analysis.causes import LEAST_SHARE, MOST_PARTS, Cause, Part, causes
from analysis.wording import percent, text
from spendwatt.parts import PartDays, PartsAsked

BEFORE_DAYS = 28
"""Days before a shock that tell what a part usually costs."""
MOST_DAYS = 7
"""The newest days of a shock that are explained."""
_ENOUGH = 0.5
"""Share of the excess that must have a name before resources (or SKUs) are told."""
_MAINLY = 0.8
_MOST_TAGS = 2
_MOST_REGIONS = 2
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_NONE = 0.01
"""Of its usual quantity: less is as good as nothing."""


@dataclass(frozen=True, slots=True)
class Mover:
    """A resource or SKU that explains part of a shock."""

    cause: Cause
    direction: int
    regions: tuple[str, ...]
    tags: frozenset[tuple[str, str]]
    change: str
    """`quantity up`, `price up`, ...; empty where the bill tells no quantity."""

    @property
    def state(self) -> str:
        """Say `new` or `ended` of what was or is nothing; else nothing."""
        part = self.cause.part
        if self.direction > 0:
            return "new" if self.cause.is_new else ""
        return "ended" if part.cost < _NONE * part.usual else ""


def movers(parts: Sequence[PartDays], asked: PartsAsked, direction: int) -> list[Mover]:
    """Rank the resources, else the SKUs, that explain the asked days; empty where none has a name.

    Each is held against its own expectation: the median of its same weekdays before the shock.
    """
    names: dict[str, Callable[[PartDays], str]] = {
        "resource": lambda one: one.resource,
        "SKU": lambda one: one.sku,
    }
    for dimension, name in names.items():
        members: dict[str, list[PartDays]] = defaultdict(list)
        for one in parts:
            members[name(one)].append(one)
        measured = [_part(dimension, value, of, asked) for value, of in sorted(members.items())]
        ranked = [one for one in causes(measured, direction) if one.part.value]
        if sum(one.share for one in ranked) >= _ENOUGH:
            return [_mover(one, members[one.part.value], asked, direction) for one in ranked]
    return []


def movers_text(ranked: Sequence[Mover], parts: Sequence[PartDays]) -> str:
    """Write `100 % two new resources i-1, i-2 (us-east-1), tag team=ml (quantity up)`."""
    told = [mover for mover in ranked if mover.cause.share >= LEAST_SHARE]
    together: dict[tuple[str, ...], list[Mover]] = defaultdict(list)
    for mover in told:
        # What is new, or has ended, is told together; what merely moved stands alone.
        alone = mover.cause.part.value if not mover.state else ""
        together[mover.state, alone].append(mover)
    every = [_tags([one]) for one in parts]
    common = frozenset.intersection(*every) if every else frozenset()
    groups = sorted(together.values(), key=lambda group: -sum(one.cause.share for one in group))
    return ", ".join(_group_text(group, common) for group in groups[:MOST_PARTS])


def evidence(ranked: Sequence[Mover]) -> list[dict[str, Any]]:
    """Give the movers as JSON carries them."""
    return [
        {
            "dimension": one.cause.part.dimension.lower(),
            "value": one.cause.part.value,
            "share": round(one.cause.share, 3),
            "excess": text(one.cause.part.excess),
            "new": one.state == "new",
            "regions": list(one.regions),
            "tags": dict(sorted(one.tags)),
            "change": one.change or None,
        }
        for one in ranked
        if one.cause.share >= LEAST_SHARE
    ]


def _group_text(group: Sequence[Mover], common: frozenset[tuple[str, str]]) -> str:
    first = group[0].cause.part
    several = len(group) > 1
    count = f"{_WORDS[len(group)] if len(group) < len(_WORDS) else len(group)} " if several else ""
    state = f"{group[0].state} " if group[0].state else ""
    names = ", ".join(one.cause.part.value for one in group[:MOST_PARTS])
    more = f" and {len(group) - MOST_PARTS} more" if len(group) > MOST_PARTS else ""
    regions = sorted({region for one in group for region in one.regions if region})
    where = f" ({', '.join(regions)})" if 0 < len(regions) <= _MOST_REGIONS else ""
    shared = frozenset.intersection(*(one.tags for one in group))
    # A tag that everything of the service carries tells least.
    tags = sorted(shared, key=lambda tag: (tag in common, tag))[:_MOST_TAGS]
    tagged = "".join(f", tag {key}={value}" for key, value in tags)
    changes = {one.change for one in group}
    change = f" ({changes.pop()})" if len(changes) == 1 and changes != {""} else ""
    share = percent(sum(one.cause.share for one in group))
    what = f"{count}{state}{first.dimension}{'s' if several else ''}"
    return f"{share} {what} {names}{more}{where}{tagged}{change}"


def _part(dimension: str, value: str, members: Sequence[PartDays], asked: PartsAsked) -> Part:
    cost = _sums(one.billed_cost for one in members)
    usual, noise = _usual(cost, asked)
    now = sum(cost.get(day, 0.0) for day in asked.days)
    return Part(dimension, value, cost=now, usual=usual, noise=noise)


def _usual(values: Mapping[date, float], asked: PartsAsked) -> tuple[float, float]:
    """Expect the asked days as the same weekdays before were; give their noise as well."""
    by_weekday: dict[int, list[float]] = defaultdict(list)
    for day in asked.before:
        by_weekday[day.weekday()].append(values.get(day, 0.0))
    medians = {weekday: float(np.median(seen)) for weekday, seen in by_weekday.items()}
    misses = [
        abs(amount - medians[weekday]) for weekday, seen in by_weekday.items() for amount in seen
    ]
    noise = 1.4826 * float(np.median(misses)) if misses else 0.0
    usual = sum(medians.get(day.weekday(), 0.0) for day in asked.days)
    return usual, noise * float(np.sqrt(len(asked.days)))


def _mover(cause: Cause, members: Sequence[PartDays], asked: PartsAsked, direction: int) -> Mover:
    days = asked.days if direction > 0 else (*asked.before, *asked.days)
    present = [one for one in members if any(one.billed_cost.get(day) for day in days)] or members
    return Mover(
        cause=cause,
        direction=direction,
        regions=tuple(sorted({one.region for one in present if one.region})),
        tags=_tags(present),
        change=_change(cause.part, members, asked, direction),
    )


def _tags(members: Sequence[PartDays]) -> frozenset[tuple[str, str]]:
    return frozenset.intersection(*(frozenset(one.tags.items()) for one in members))


def _change(part: Part, members: Sequence[PartDays], asked: PartsAsked, direction: int) -> str:
    """Split the excess: what the change of quantity costs at the old price, the rest is price."""
    way = "up" if direction > 0 else "down"
    if len({one.unit for one in members}) > 1 or not any(one.quantity for one in members):
        return ""
    used = _sums(one.quantity for one in members)
    before, _ = _usual(used, asked)
    now = sum(used.get(day, 0.0) for day in asked.days)
    if min(now, before) <= _NONE * max(now, before) or part.usual <= 0:
        return f"quantity {way}"
    by_quantity = (now - before) * part.usual / before / part.excess
    if by_quantity >= _MAINLY:
        return f"quantity {way}"
    return f"price {way}" if by_quantity <= 1 - _MAINLY else f"quantity and price {way}"


def _sums(columns: Iterable[Mapping[date, float]]) -> dict[date, float]:
    sums: dict[date, float] = defaultdict(float)
    for column in columns:
        for day, amount in column.items():
            sums[day] += amount
    return dict(sums)
