"""Break-even figures: hybrid sizing over a year of hours, futures of many options."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal

import numpy as np

from analysis.economics.breakeven import Plan, pay_back
from analysis.economics.hybrid import hybrid_optimum
from analysis.economics.uncertainty import simulate

YEAR_HOURS = 8_760


def rows() -> Iterator[tuple[str, str, str]]:
    yield "hybrid optimum, a year of hours x 1,000 N", "<= 0.2 s", _seconds(_hybrid)
    yield "10,000 futures x 60 months x 20 options", "<= 2 s", _seconds(_futures)
    yield "one plan of 60 months, exact", "-", _seconds(lambda: pay_back(_plan(1)))


def _hybrid() -> None:
    demand = np.random.default_rng(1).gamma(4.0, 100.0, YEAR_HOURS)
    hybrid_optimum(demand, fixed_hourly=0.9, marginal_hourly=0.1, cloud_hourly=2.5, most=1_000)


def _futures() -> None:
    days = tuple(np.random.default_rng(2).gamma(50.0, 20.0, 28))
    for option in range(20):
        simulate(_plan(option), days=days, draws=10_000)


def _plan(option: int) -> Plan:
    return Plan(
        stay_per_month=Decimal(9_000),
        go_per_month=Decimal(1_500 + 50 * option),
        upfront=Decimal(250_000),
        energy_per_month=Decimal(900),
        growth_per_month=Decimal("0.01"),
        rate_per_year=Decimal("0.08"),
        residual=Decimal(20_000),
        horizon_months=60,
    )


def _seconds(act: Callable[[], object]) -> str:
    best = min(_timed(act) for _ in range(3))
    return f"{best:.4f} s"


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
