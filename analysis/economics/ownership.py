"""What owning costs: new hardware with its price, hardware already bought without it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal

from analysis.economics.demand import HOURS_PER_MONTH
from analysis.economics.discounting import annuity, monthly_rate, present_value
from spendwatt.errors import MoneyError

HOURS_PER_YEAR = Decimal(8760)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMonth:
    """A month of owning, by what it is paid for. Every field is an amount in one currency."""

    capital: Decimal
    """Of a purchase: its annuity. Of what is already bought: what selling it would bring."""
    energy: Decimal
    maintenance: Decimal
    staff: Decimal
    colocation: Decimal = Decimal(0)
    software: Decimal = Decimal(0)
    spares: Decimal = Decimal(0)
    other: Decimal = Decimal(0)

    def times(self, factor: int) -> OwnMonth:
        """Give so many of it."""
        return OwnMonth(**{f.name: getattr(self, f.name) * factor for f in fields(self)})

    @property
    def running(self) -> Decimal:
        """Give all but the capital."""
        return (
            self.energy
            + self.maintenance
            + self.staff
            + self.colocation
            + self.software
            + self.spares
            + self.other
        )

    @property
    def total(self) -> Decimal:
        """Give the capital and the running cost."""
        return self.capital + self.running

    @property
    def fixed(self) -> Decimal:
        """Give what is paid whether the hardware works or not: all but energy."""
        return self.total - self.energy


def capital_per_month(
    purchase_price: Decimal, salvage: Decimal, rate_per_year: Decimal, life_months: Decimal
) -> Decimal:
    """Give the annuity of a purchase: capex less the present value of its salvage, over its life.

    For hardware already bought, `purchase_price` is what selling it now would bring and `salvage`
    what selling it at the end would: its capex is sunk and has no part in the decision.
    """
    rate = monthly_rate(rate_per_year)
    at_the_end = present_value(salvage, rate, life_months)
    return annuity(purchase_price - at_the_end, rate, life_months)


def percent_per_month(price: Decimal, percent_per_year: Decimal) -> Decimal:
    """Give a month's share of a yearly percentage of a price."""
    return price * percent_per_year / 100 / 12


def opex_hourly(
    *,
    capex: Decimal,
    maintenance_percent_per_year: Decimal = Decimal(0),
    colocation_per_month: Decimal = Decimal(0),
    power_and_cooling_hourly: Decimal = Decimal(0),
    hours_per_month: Decimal = HOURS_PER_MONTH,
) -> Decimal:
    """Give the running cost of an hour: maintenance, colocation, power and cooling.

    Source: Lenovo Press LP2368 (2026), which takes a month of 720 hours for colocation.
    """
    maintenance = capex * maintenance_percent_per_year / 100 / HOURS_PER_YEAR
    return maintenance + colocation_per_month / hours_per_month + power_and_cooling_hourly


def amortized_hourly(
    *, capex: Decimal, years: Decimal, own_hourly: Decimal, salvage: Decimal = Decimal(0)
) -> Decimal:
    """Give an hour's cost with the purchase spread evenly over every hour of its life.

    Source: Lenovo Press LP2368 (2026). Straight line: right for a price list, not for a decision
    about hardware already bought. Raises MoneyError for a life of no years.
    """
    if years <= 0:
        raise MoneyError(f"a life of {years} years spreads no cost")
    return (capex - salvage) / (years * HOURS_PER_YEAR) + own_hourly


@dataclass(frozen=True, slots=True)
class KeepOrMove:
    """Whether hardware already bought should go on working, or its work move to the cloud."""

    keep_per_month: Decimal
    cloud_per_month: Decimal

    @property
    def saving_per_month(self) -> Decimal:
        """Give what keeping saves; negative where the cloud is cheaper."""
        return self.cloud_per_month - self.keep_per_month

    @property
    def decision(self) -> str:
        """Give `keep` or `move`; at equal cost what is there is kept."""
        return "keep" if self.saving_per_month >= 0 else "move"


def keep_or_move(
    *,
    resale_now: Decimal,
    resale_at_end: Decimal,
    life_left_months: Decimal,
    avoidable_per_month: Decimal,
    cloud_per_month: Decimal,
    rate_per_year: Decimal,
) -> KeepOrMove:
    """Compare keeping with the cloud; what was once paid for the hardware plays no part.

    `avoidable_per_month`: energy, maintenance and staff that end when the hardware goes.
    """
    capital = capital_per_month(resale_now, resale_at_end, rate_per_year, life_left_months)
    return KeepOrMove(capital + avoidable_per_month, cloud_per_month)
