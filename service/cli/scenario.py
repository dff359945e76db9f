"""Reads a scenario for the break-even calculator: one TOML file, no database, no configuration."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from analysis.economics.answers import Origin
from analysis.economics.basis import Basis, shown
from analysis.economics.breakeven import Plan
from analysis.economics.comparison import Comparison
from analysis.economics.workload import judge, moving_cost, trends
from service.cli.scenario_keep import KeepPart, compare_keep
from service.config.money import EnergySettings, NotNegative, Share, Years
from service.config.problems import problems_of
from spendwatt.errors import ConfigError
from spendwatt.estate import Estate, HardwareOption, Workload
from spendwatt.money import Money
from spendwatt.settings import MoneyText, Number, SettingsModel

Growth = Annotated[Number, Field(gt=-100, le=100)]
Decline = Annotated[Number, Field(ge=0, lt=100)]

HELP = "docs/breakeven.md shows every key and an example"


class CloudPart(SettingsModel):
    """`[cloud]`: what the work costs where it runs today."""

    per_month: MoneyText | None = None
    """A month's spend, such as `"9000 USD"`; or `per_year`, or GPU-hours and their price."""
    per_year: MoneyText | None = None
    """A year's spend."""
    gpu_hours_per_month: NotNegative | None = None
    """GPU-hours rented in a month."""
    price_per_gpu_hour: MoneyText | None = None
    """What each of them costs."""
    committed_per_month: MoneyText | None = None
    """Of the spend, what stays payable after leaving."""
    committed_until: date | None = None
    """The last day of that commitment."""
    growth_percent_per_month: Growth = Decimal(0)
    """By how much the demand grows."""
    price_decline_percent_per_year: Decline = Decimal(0)
    """By how much the price falls."""

    @model_validator(mode="after")
    def _told_one_way(self) -> Self:
        by_hour = (self.gpu_hours_per_month is not None, self.price_per_gpu_hour is not None)
        if any(by_hour) and not all(by_hour):
            raise ValueError("give gpu_hours_per_month and price_per_gpu_hour together")
        if (self.per_month is not None) + (self.per_year is not None) + all(by_hour) != 1:
            raise ValueError(
                "give one of per_month, per_year, or gpu_hours_per_month with price_per_gpu_hour"
            )
        return self

    def month(self) -> Money:
        """Give a month's spend. Raises ConfigError where none is told."""
        if self.per_month is not None:
            return self.per_month
        if self.per_year is not None:
            return Money(self.per_year.amount / 12, self.per_year.currency)
        if self.gpu_hours_per_month is None or self.price_per_gpu_hour is None:
            raise ConfigError("cloud: no spend is given")
        price = self.price_per_gpu_hour
        return Money(price.amount * self.gpu_hours_per_month, price.currency)


class OwnPart(SettingsModel):
    """`[own]`: the hardware that could be bought. What is left out is unknown, never 0."""

    name: str = "own hardware"
    """What the answer calls it."""
    purchase_price: MoneyText
    """Of one server."""
    useful_life_years: Years
    """How long it would be used: what is not paid back by then never is."""
    gpus: int = Field(default=1, ge=1, le=100_000)
    """GPUs in one server."""
    servers: int = Field(default=1, ge=1, le=100_000)
    """How many are bought."""
    salvage_value: MoneyText | None = None
    """What one brings at the end of its life."""
    running_per_month: MoneyText | None = None
    """All that one costs to run; or `running_per_year`, or the parts below."""
    running_per_year: MoneyText | None = None
    """The same for a year."""
    power_watts: NotNegative | None = None
    """Of one server under the expected load; needs `[energy]`."""
    maintenance_percent_per_year: Share | None = None
    """Of the purchase price."""
    spares_percent_per_year: Share | None = None
    """Of the purchase price, for parts that maintenance leaves out."""
    staff_per_month: MoneyText | None = None
    """People's time; write "0 USD" if it truly costs none."""
    colocation_per_month: MoneyText | None = None
    """Rent of the space."""
    software_per_month: MoneyText | None = None
    """Licences."""
    cost_of_capital_percent_per_year: Share = Decimal(0)
    """The interest that the money could earn, or costs."""
    lead_time_days: int | None = Field(default=None, ge=0, le=3_650)
    """From the order to the first useful hour."""

    @model_validator(mode="after")
    def _one_running_cost(self) -> Self:
        if self.running_per_month is not None and self.running_per_year is not None:
            raise ValueError("give running_per_month or running_per_year, not both")
        return self

    def option(self) -> HardwareOption:
        """Give it as the option that economics judges."""
        values = dict(self)
        yearly = values.pop("running_per_year")
        del values["servers"]
        if yearly is not None:
            values["running_per_month"] = Money(yearly.amount / 12, yearly.currency)
        return HardwareOption(**values)


class MovePart(SettingsModel):
    """`[move]`: what changing over costs once."""

    migration_cost: MoneyText | None = None
    """Work, and double running during the move."""
    egress_cost: MoneyText | None = None
    """To bring the data out."""
    credits: MoneyText | None = None
    """Received for moving."""


class Scenario(SettingsModel):
    """One question to the calculator."""

    name: str = "scenario"
    """What the answer calls the work."""
    cloud: CloudPart
    own: OwnPart | None = None
    """Hardware to buy; or `keep`."""
    keep: KeepPart | None = None
    """Hardware that is there already."""
    energy: EnergySettings = EnergySettings()
    move: MovePart = MovePart()

    @model_validator(mode="after")
    def _one_direction(self) -> Self:
        if (self.own is None) == (self.keep is None):
            raise ValueError("give [own], hardware to buy, or [keep], hardware that is there")
        if self.keep is not None and self.cloud.committed_per_month is not None:
            raise ValueError("cloud.committed_per_month has no meaning beside [keep]")
        return self

    def compare(self, on: date) -> Comparison:
        """Judge it as of a day. Raises ConfigError where no hardware is named."""
        if self.own is not None:
            return self._compare_own(self.own, on)
        if self.keep is None:
            raise ConfigError("the scenario names no hardware", do=HELP)
        return self._compare_keep(self.keep, on)

    def _compare_keep(self, keep: KeepPart, on: date) -> Comparison:
        month = self.cloud.month()
        basis = self._basis(month, on)
        trend = self._workload(1)
        growth, decline = trends(trend, basis)
        plan = Plan(
            stay_per_month=Decimal(0),
            go_per_month=month.amount,
            upfront=moving_cost(trend, basis),
            rents="go",
            growth_per_month=growth,
            price_decline_per_year=decline,
        )
        return self._in_own_words(compare_keep(keep, plan, basis, self.name))

    def _basis(self, month: Money, on: date) -> Basis:
        basis = Basis(month.currency, on, {})
        basis.note("cloud.per_month", shown(month), Origin.CONFIGURED)
        return basis

    def _compare_own(self, own: OwnPart, on: date) -> Comparison:
        month = self.cloud.month()
        estate = Estate(energy=self.energy.energy_price())
        basis = self._basis(month, on)
        found = judge(
            estate,
            self._workload(own.servers),
            own.option(),
            basis,
            cloud=month.amount,
            gpu_hours=self.cloud.gpu_hours_per_month,
        )
        return self._in_own_words(found)

    def _in_own_words(self, found: Comparison) -> Comparison:
        """Name the keys as this file calls them, not as the configuration does."""
        words = {
            f"hardware_options.{found.option}.": "own.",
            f"workloads.{self.name}.servers": "own.servers",
            f"workloads.{self.name}.cloud_price": "cloud.price",
            **{f"workloads.{self.name}.{key}": f"move.{key}" for key in MovePart.model_fields},
            f"workloads.{self.name}.": "cloud.",
        }

        def said(text: str) -> str:
            for ours, theirs in words.items():
                text = text.replace(ours, theirs)
            return text

        answer = replace(
            found.answer, why=said(found.answer.why), needs=tuple(map(said, found.answer.needs))
        )
        rests_on = tuple(replace(a, key=said(a.key)) for a in found.assumptions)
        return replace(found, answer=answer, assumptions=rests_on)

    def _workload(self, servers: int) -> Workload:
        return Workload(
            name=self.name,
            servers=servers,
            committed_per_month=self.cloud.committed_per_month,
            committed_until=self.cloud.committed_until,
            growth_percent_per_month=self.cloud.growth_percent_per_month,
            cloud_price_decline_percent_per_year=self.cloud.price_decline_percent_per_year,
            **dict(self.move),
        )


def read_scenario(file: Path) -> Scenario:
    """Read a scenario. Raises ConfigError with every problem at once, each naming its key."""
    from service.config.load import read_toml

    values = read_toml(file, do=HELP)
    try:
        return Scenario.model_validate(values)
    except ValidationError as err:
        problems = problems_of(err, Scenario, values)
        lines = [f"{'.'.join(place) or 'scenario'}: {text}" for place, text in sorted(problems)]
        count = f"{len(lines)} problem{'s' if len(lines) > 1 else ''}"
        raise ConfigError(f"{file} has {count}", lines, do=HELP) from err
