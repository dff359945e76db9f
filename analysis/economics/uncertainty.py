"""How sure a break-even is: many futures drawn at once, and which input moves the answer most.

Statistics: floats. What is drawn and by how much stands in `Spread`; without any spread every
future is the one that `breakeven.pay_back` follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from analysis.economics.breakeven import Plan, pay_back
from analysis.economics.discounting import monthly_rate

Floats = NDArray[np.float64]

DRAWS = 2_000
SEED = 20260301
BLOCK_DAYS = 7
"""Days that are drawn together, so that a week keeps its weekend."""
TENTH = 1.2816
"""Standard deviations from the middle to the tenth and the ninetieth percentile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Standard deviations of what nobody knows. The defaults are ours: judgement, not measurement.

    The level of demand needs none here: it is drawn from the measured days themselves.
    """

    growth: float = 0.01
    """Of the monthly growth, as a share (0.01 is one percentage point a month)."""
    price_decline: float = 0.05
    """Of the yearly price decline, as a share."""
    energy: float = 0.15
    """Of the energy's cost, relative."""
    residual: float = 0.30
    """Of what is left at the end, relative."""


NONE = Spread(growth=0.0, price_decline=0.0, energy=0.0, residual=0.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What many futures say. A percentile that lies beyond the horizon is None."""

    p10_months: float | None
    p50_months: float | None
    p90_months: float | None
    never: float
    """Share of futures that do not pay back within the horizon."""
    gains: float
    """Share of futures whose net present value is above 0."""
    low: tuple[float, ...]
    """Tenth percentile of the position at each month's end, month 0 first."""
    high: tuple[float, ...]
    """The ninetieth."""


@dataclass(frozen=True, slots=True)
class Swing:
    """What one input does to the net present value, all others staying."""

    name: str
    low: float
    """Net present value with the input at its tenth percentile."""
    high: float
    """And at its ninetieth."""


def simulate(
    plan: Plan,
    spread: Spread | None = None,
    *,
    days: Sequence[float] = (),
    draws: int = DRAWS,
    seed: int = SEED,
) -> Outcome:
    """Draw futures of a plan. `days`: measured daily demand or spend, from which levels are drawn.

    The same seed gives the same answer.
    """
    spread = Spread() if spread is None else spread
    random = np.random.default_rng(seed)
    level = _levels(days, draws, random)
    growth = float(plan.growth_per_month) + spread.growth * random.standard_normal(draws)
    decline = float(plan.price_decline_per_year) + (
        spread.price_decline * random.standard_normal(draws)
    )
    energy = np.maximum(0.0, 1 + spread.energy * random.standard_normal(draws))
    residual = np.maximum(0.0, 1 + spread.residual * random.standard_normal(draws))
    position, discount = _positions(plan, level, growth, decline, energy)
    worth = position[:, -1] + float(plan.residual) * residual * discount
    months = _crossings(position)
    low, high = np.quantile(position, [0.1, 0.9], axis=0)
    p10, p50, p90 = np.quantile(months, [0.1, 0.5, 0.9], method="higher")
    return Outcome(
        p10_months=_finite(p10),
        p50_months=_finite(p50),
        p90_months=_finite(p90),
        never=float(np.mean(np.isinf(months))),
        gains=float(np.mean(worth > 0)),
        low=tuple(map(float, low)),
        high=tuple(map(float, high)),
    )


def tornado(plan: Plan, spread: Spread | None = None, *, days: Sequence[float] = ()) -> list[Swing]:
    """Move each input alone between its tenth and ninetieth percentile; the widest swing first."""
    spread = Spread() if spread is None else spread
    drawn = _levels(days, DRAWS, np.random.default_rng(SEED))
    swings = [_swing("demand", *(_at_level(plan, q) for q in np.quantile(drawn, [0.1, 0.9])))]
    for field in fields(spread):
        step = TENTH * getattr(spread, field.name)
        swings.append(
            _swing(field.name, _moved(plan, field.name, -step), _moved(plan, field.name, step))
        )
    return sorted(swings, key=lambda swing: -abs(swing.high - swing.low))


def _swing(name: str, low: Plan, high: Plan) -> Swing:
    worth = [float(pay_back(each).net_present_value) for each in (low, high)]
    return Swing(name, *worth)


def _moved(plan: Plan, name: str, by: float) -> Plan:
    step = Decimal(repr(by))
    match name:
        case "growth":
            return replace(plan, growth_per_month=plan.growth_per_month + step)
        case "price_decline":
            return replace(
                plan,
                price_decline_per_year=min(plan.price_decline_per_year + step, Decimal("0.99")),
            )
        case "energy":
            more = plan.energy_per_month * step
            if plan.rents == "stay":
                return replace(plan, go_per_month=plan.go_per_month + more)
            return replace(plan, stay_per_month=plan.stay_per_month + more)
        case _:
            return replace(plan, residual=plan.residual * max(Decimal(0), 1 + step))


def _at_level(plan: Plan, level: float) -> Plan:
    factor = Decimal(repr(float(level)))
    step = plan.step and replace(plan.step, demand_share=plan.step.demand_share * factor)
    if plan.rents == "stay":
        return replace(plan, stay_per_month=plan.stay_per_month * factor, step=step)
    return replace(plan, go_per_month=plan.go_per_month * factor, step=step)


def _levels(days: Sequence[float], draws: int, random: np.random.Generator) -> Floats:
    """Draw the mean level, relative to the measured one, by a moving-block bootstrap.

    Source: Kuensch (1989), blocks of a week taken circularly.
    """
    measured = np.asarray(days, dtype=np.float64)
    if len(measured) < 2 * BLOCK_DAYS or measured.mean() <= 0:
        return np.ones(draws)
    blocks = len(measured) // BLOCK_DAYS
    around = np.concatenate((measured, measured[: BLOCK_DAYS - 1]))
    sums = np.convolve(around, np.ones(BLOCK_DAYS), mode="valid")
    picked = sums[random.integers(0, len(sums), size=(draws, blocks))]
    return np.asarray(picked.mean(axis=1) / sums.mean())


def _positions(
    plan: Plan, level: Floats, growth: Floats, decline: Floats, energy: Floats
) -> tuple[Floats, float]:
    """Give the discounted position of each future at each month's end, and the last discount."""
    months = np.arange(plan.horizon_months)
    grows = np.log1p(np.maximum(growth, -0.99))
    falls = np.log1p(-np.minimum(decline, 0.99)) / 12
    # One matrix, worked on in place: futures x months.
    saving = np.exp(np.outer(grows + falls, months))
    stay, go = float(plan.stay_per_month), float(plan.go_per_month)
    extra = float(plan.energy_per_month) * (energy - 1)[:, None]
    if plan.rents == "stay":
        saving *= stay * level[:, None]
        saving -= go + extra
    else:
        saving *= -go * level[:, None]
        saving += stay + extra
    saving[:, : plan.committed_months] -= float(plan.committed_per_month)
    if plan.step is not None:
        saving -= _further_servers(plan, np.exp(np.outer(grows, months)) * level[:, None])
    rate = float(monthly_rate(plan.rate_per_year))
    discount = (1 + rate) ** -(months + 1.0)
    saving *= discount
    start = np.full((len(level), 1), -float(plan.upfront))
    position = np.cumsum(np.concatenate((start, saving), axis=1), axis=1)
    return position, float(discount[-1])


def _further_servers(plan: Plan, demand: Floats) -> Floats:
    step = plan.step
    if step is None:
        return np.zeros_like(demand)
    needed = np.ceil(np.round(float(step.demand_share) * demand, 12))
    needed = np.maximum.accumulate(np.maximum(needed, step.servers_now), axis=1)
    bought = np.diff(needed, axis=1, prepend=step.servers_now)
    return np.asarray(
        bought * float(step.unit_price) + (needed - step.servers_now) * float(step.unit_per_month)
    )


def _crossings(position: Floats) -> Floats:
    """Give the months until each future crosses 0, as `breakeven.first_crossing`; else infinity."""
    up = (position[:, :-1] < 0) & (position[:, 1:] >= 0)
    first = up.argmax(axis=1)
    row = np.arange(len(position))
    before, after = position[row, first], position[row, first + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        months = np.where(up[row, first], first + before / (before - after), np.inf)
    start = position[:, 0]
    already = (start > 0) | ((start == 0) & (position[:, 1] > 0))
    return np.where(already, 0.0, months)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
