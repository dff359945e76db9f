"""The other direction of the calculator: hardware already bought against renting its work."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from analysis.economics.basis import Basis
from analysis.economics.breakeven import Plan
from analysis.economics.comparison import Comparison, Direction, open_question, rent
from analysis.economics.ownership import capital_per_month
from service.config.money import Share
from spendwatt.money import Money
from spendwatt.settings import MoneyText, Number, SettingsModel


class KeepPart(SettingsModel):
    """`[keep]`: hardware that is there. What was once paid for it plays no part."""

    name: str = "own hardware"
    """What the answer calls it."""
    resale_value: MoneyText
    """What selling it now would bring; write "0 USD" if nothing."""
    resale_at_end: MoneyText | None = None
    """What selling it would bring at the end of its life."""
    life_left_months: Annotated[Number, Field(gt=0, le=1_200)]
    """How long it can still be used."""
    running_per_month: MoneyText | None = None
    """What ends when it goes: energy, maintenance, staff; or `running_per_year`."""
    running_per_year: MoneyText | None = None
    """The same for a year."""
    cost_of_capital_percent_per_year: Share = Decimal(0)
    """The interest that the money could earn, or costs."""

    @model_validator(mode="after")
    def _one_running_cost(self) -> Self:
        if (self.running_per_month is None) == (self.running_per_year is None):
            raise ValueError("give running_per_month or running_per_year, one of the two")
        return self

    def running(self) -> Money | None:
        """Give a month's running cost."""
        if self.running_per_year is None:
            return self.running_per_month
        return Money(self.running_per_year.amount / 12, self.running_per_year.currency)


def compare_keep(keep: KeepPart, plan: Plan, basis: Basis, name: str) -> Comparison:
    """Judge keeping against the cloud; `plan` has its cloud side and the cost of moving filled."""
    now = basis.money("keep.resale_value", keep.resale_value)
    end = basis.money("keep.resale_at_end", keep.resale_at_end, optional=True)
    running = basis.money("keep.running_per_month", keep.running())
    rate = basis.number(
        "keep.cost_of_capital_percent_per_year", keep.cost_of_capital_percent_per_year, "%"
    )
    life = basis.number("keep.life_left_months", keep.life_left_months, "months")
    question = open_question(basis, "asset", keep.name, name, Direction.OWN_TO_CLOUD)
    if not basis.is_complete:
        return replace(question, cloud_per_month=plan.go_per_month)
    own = capital_per_month(now, end, rate / 100, life) + running
    whole = replace(
        plan,
        stay_per_month=own,
        rate_per_year=rate / 100,
        horizon_months=max(1, int(life)),
    )
    answer, payback = rent(whole, basis.on)
    return replace(
        question,
        answer=answer,
        cloud_per_month=plan.go_per_month,
        own_per_month=own,
        upfront=plan.upfront,
        plan=whole,
        payback=payback,
    )
