"""The other direction of the calculator: hardware already bought against renting its work."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from analysis.economics.answers import Origin, answer_of
from analysis.economics.basis import Basis, shown
from analysis.economics.breakeven import Plan, pay_back
from analysis.economics.comparison import Comparison, Direction, open_question, worth_on
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


def compare_keep(
    keep: KeepPart,
    *,
    name: str,
    cloud: Money,
    growth: Decimal,
    decline: Decimal,
    move: tuple[Money | None, Money | None, Money | None],
    on: date,
) -> Comparison:
    """Judge keeping against the cloud. `growth` a month and `decline` a year are percentages.

    `move`: migration, egress, and credits received.
    """
    basis = Basis(cloud.currency, on, {})
    basis.note("cloud.per_month", shown(cloud), Origin.CONFIGURED)
    basis.number("cloud.growth_percent_per_month", growth, "%")
    basis.number("cloud.price_decline_percent_per_year", decline, "%")
    now = basis.money("keep.resale_value", keep.resale_value)
    end = basis.money("keep.resale_at_end", keep.resale_at_end, optional=True)
    running = basis.money("keep.running_per_month", keep.running())
    keys = ("move.migration_cost", "move.egress_cost", "move.credits")
    amounts = [basis.money(k, v, optional=True) for k, v in zip(keys, move, strict=True)]
    rate = basis.number(
        "keep.cost_of_capital_percent_per_year", keep.cost_of_capital_percent_per_year, "%"
    )
    life = basis.number("keep.life_left_months", keep.life_left_months, "months")
    lacking = open_question(
        basis,
        subject="asset",
        name=keep.name,
        option=name,
        direction=Direction.OWN_TO_CLOUD,
        cloud_per_month=cloud.amount,
    )
    if lacking is not None:
        return lacking
    own = capital_per_month(now, end, rate / 100, life) + running
    plan = Plan(
        stay_per_month=own,
        go_per_month=cloud.amount,
        upfront=amounts[0] + amounts[1] - amounts[2],
        rents="go",
        growth_per_month=growth / 100,
        price_decline_per_year=decline / 100,
        rate_per_year=rate / 100,
        horizon_months=max(1, int(life)),
    )
    payback = pay_back(plan)
    return Comparison(
        subject="asset",
        name=keep.name,
        option=name,
        direction=Direction.OWN_TO_CLOUD,
        on=on,
        answer=answer_of(
            payback,
            on=on,
            horizon=f"{plan.horizon_months} months",
            worth_on=worth_on(plan, own, on),
        ),
        currency=cloud.currency,
        cloud_per_month=cloud.amount,
        own_per_month=own,
        upfront=plan.upfront,
        plan=plan,
        payback=payback,
        assumptions=tuple(basis.assumptions),
    )
