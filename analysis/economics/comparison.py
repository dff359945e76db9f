"""One choice, judged: stay or move, what both cost, when it pays, and what that rests on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from analysis.economics.answers import Answer, Assumption, answer_of, unknown
from analysis.economics.basis import Basis
from analysis.economics.breakeven import Payback, Plan, outgrown_month, pay_back
from analysis.economics.discounting import monthly_rate
from analysis.economics.hybrid import Hybrid
from analysis.economics.ownership import OwnMonth, capital_per_month


class Direction(StrEnum):
    """Which way the move would go."""

    CLOUD_TO_OWN = "cloud_to_own"
    OWN_TO_CLOUD = "own_to_cloud"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A workload against an option of hardware, or an asset against a price of the cloud.

    Where the answer is unknown, amounts that could be told all the same are given.
    """

    subject: str
    """`workload` or `asset`."""
    name: str
    option: str | None
    """The hardware or the price that it is held against; None: there is none to hold against."""
    direction: Direction
    on: date
    answer: Answer
    currency: str | None = None
    cloud_per_month: Decimal | None = None
    own_per_month: Decimal | None = None
    """With the capital: the annuity of a purchase, or what selling would bring."""
    upfront: Decimal | None = None
    utilization: Decimal | None = None
    """Busy share of all GPU-hours, 0 to 1."""
    utilization_turn: Decimal | None = None
    """At which both sides cost the same; above 1 no utilization suffices."""
    sizing: Hybrid | None = None
    """How many of an asset's GPUs are worth owning, the rest of the load being rented."""
    plan: Plan | None = None
    payback: Payback | None = None
    days: tuple[float, ...] = ()
    """Measured days of the work, from which futures draw its level."""
    assumptions: tuple[Assumption, ...] = ()
    """In the order in which they were gathered."""

    @property
    def ratio(self) -> Decimal | None:
        """Give local cost over cloud cost; None where either is unknown or the cloud is free."""
        if self.cloud_per_month is None or self.own_per_month is None or self.cloud_per_month <= 0:
            return None
        return self.own_per_month / self.cloud_per_month

    @property
    def saving_per_month(self) -> Decimal | None:
        """Give what moving saves a month; negative where staying is cheaper."""
        if self.cloud_per_month is None or self.own_per_month is None:
            return None
        gain = self.cloud_per_month - self.own_per_month
        return gain if self.direction is Direction.CLOUD_TO_OWN else -gain


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """Hardware to buy, as amounts of one currency."""

    purchase_price: Decimal
    salvage: Decimal
    life_months: int
    running: OwnMonth
    """Its `capital` is left 0: it follows from the fields above."""
    rate_per_year: Decimal = Decimal(0)

    @property
    def capital_per_month(self) -> Decimal:
        """Give the annuity of the purchase."""
        life = Decimal(self.life_months)
        return capital_per_month(self.purchase_price, self.salvage, self.rate_per_year, life)

    @property
    def per_month(self) -> Decimal:
        """Give a month of owning, capital included."""
        return self.capital_per_month + self.running.running


def buy(purchase: Purchase, plan: Plan, *, on: date, lead_days: int = 0) -> tuple[Answer, Payback]:
    """Judge a purchase; `plan` has its cloud side and the cost of moving filled.

    The horizon is the hardware's life: what is not paid back by then has to be bought again.
    """
    payback = pay_back(plan)
    answer = answer_of(
        payback,
        on=on,
        horizon=f"its useful life of {purchase.life_months} months",
        lead_days=lead_days,
        worth_on=worth_on(plan, purchase.per_month, on),
    )
    outgrown = outgrown_month(plan)
    if outgrown is not None:
        why = f"{answer.why}; demand outgrows the first servers in month {outgrown}"
        answer = replace(answer, why=why)
    return answer, payback


def rent(plan: Plan, on: date) -> tuple[Answer, Payback]:
    """Judge leaving hardware that is there for the cloud; the horizon is its life left."""
    payback = pay_back(plan)
    horizon = f"{plan.horizon_months} months"
    since = worth_on(plan, plan.stay_per_month, on)
    return answer_of(payback, on=on, horizon=horizon, worth_on=since), payback


def worth_on(plan: Plan, own_per_month: Decimal, on: date) -> date | None:
    """Give the first month's day on which the other side costs less, capital included.

    None where growth and price decline never bring it within the plan's horizon.
    """
    factor = (1 + plan.growth_per_month) * (1 + monthly_rate(-plan.price_decline_per_year))
    rented = plan.stay_per_month if plan.rents == "stay" else plan.go_per_month
    for month in range(plan.horizon_months):
        if rented > own_per_month if plan.rents == "stay" else rented < own_per_month:
            return _months_later(on, month)
        rented *= factor
    return None


def open_question(
    basis: Basis, subject: str, name: str, option: str, direction: Direction
) -> Comparison:
    """Give the comparison as far as a basis carries it: unknown, with what it lacks."""
    return Comparison(
        subject=subject,
        name=name,
        option=option,
        direction=direction,
        on=basis.on,
        answer=unknown(tuple(basis.needs or basis.waits), waits=not basis.needs),
        currency=basis.currency,
        assumptions=tuple(basis.assumptions),
    )


def _months_later(day: date, months: int) -> date:
    if not months:
        return day
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)
