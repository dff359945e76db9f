"""The sections on hardware and workloads: what is owned, offered and rented."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from service.config.money import NotNegative, Positive, Share, Years
from service.config.sections import Name
from spendwatt.settings import FilterText, MoneyText, Number, SettingsModel

Percent = Annotated[Number, Field(gt=-100, le=1_000)]


class QuoteEntry(SettingsModel):
    """A cloud price for a GPU-hour that you pay or were offered."""

    name: Name
    """What assets and workloads call it."""
    price_per_gpu_hour: MoneyText
    """Such as `"2.49 USD"`."""
    gpu_model: str | None = None
    """Such as `"H100 SXM"`."""
    quoted_on: date | None = None
    """The day on which it was valid."""


class _Ownership(SettingsModel):
    """What owning hardware costs beside its price. What is left out is unknown, never 0."""

    salvage_value: MoneyText | None = None
    """What it will bring at the end of its life."""
    maintenance_percent_per_year: Share | None = None
    """Of the purchase price."""
    staff_per_month: MoneyText | None = None
    """People's time spent on it; write "0 USD" if it truly costs none."""
    colocation_per_month: MoneyText | None = None
    """Rent of the space, without the energy."""
    software_per_month: MoneyText | None = None
    """Licences."""
    spares_percent_per_year: Share | None = None
    """Of the purchase price, for parts that the maintenance contract leaves out."""
    cost_of_capital_percent_per_year: Share = Decimal(0)
    """The interest that the money could earn, or costs."""

    @model_validator(mode="after")
    def _salvage_below_price(self) -> Self:
        price, salvage = getattr(self, "purchase_price", None), self.salvage_value
        if price is None or salvage is None:
            return self
        if price.currency != salvage.currency:
            raise ValueError(
                f"salvage_value is in {salvage.currency}, the price in {price.currency}"
            )
        if salvage.amount > price.amount:
            raise ValueError(f"salvage_value {salvage} is above purchase_price {price}")
        return self


class AssetEntry(_Ownership):
    """Hardware that you own."""

    name: Name
    """What reports call it."""
    match: str
    """Which GPUs belong to it: `host:PATTERN` or `gpu:PATTERN`, with `*` and `?`."""
    purchase_price: MoneyText | None = None
    """What all of it cost, such as `"250000 USD"`."""
    purchased_on: date | None = None
    """The day from which it counts."""
    useful_life_years: Years | None = None
    """How long you will use it."""
    resale_value: MoneyText | None = None
    """What it would bring today: decides between keeping and selling."""
    host_overhead_watts: NotNegative | None = None
    """Drawn by its hosts beside their GPUs, all hosts together."""
    comparator: str | None = None
    """The cloud price that it competes with: a quote's name, or `workload:NAME`."""
    cloud_gpus_per_gpu: Positive | None = None
    """Cloud GPUs that do the work of one of these GPUs."""

    @field_validator("match")
    @classmethod
    def _names_host_or_gpu(cls, match: str) -> str:
        kind, _, pattern = match.partition(":")
        if kind not in {"host", "gpu"} or not pattern:
            raise ValueError('write "host:PATTERN" or "gpu:PATTERN", such as "host:node-a*"')
        return match


class HardwareOptionEntry(_Ownership):
    """Hardware that you could buy instead of renting."""

    name: Name
    """What workloads and reports call it."""
    gpus: int = Field(ge=1, le=100_000)
    """GPUs in one server."""
    purchase_price: MoneyText
    """Of one server."""
    useful_life_years: Years
    """How long you would use it."""
    gpu_model: str | None = None
    """Such as `"H100 SXM"`."""
    power_watts: NotNegative | None = None
    """Of the whole server under the expected load."""
    quoted_on: date | None = None
    """The day of the offer."""
    running_per_month: MoneyText | None = None
    """All that one costs to run, energy and people included, where it is bought as one service."""
    lead_time_days: int | None = Field(default=None, ge=0, le=3_650)
    """From the order to the first useful hour."""
    cloud_gpus_per_gpu: Positive | None = None
    """Cloud GPUs that do the work of one of these GPUs."""


class WorkloadEntry(SettingsModel):
    """Work that runs in the cloud and could run on own hardware, or the reverse."""

    name: Name
    """What reports call it."""
    filter: FilterText | None = None
    """The spend that it causes."""
    asset: str | None = None
    """The `[[assets]]` entry that carries it today."""
    option: str | None = None
    """The `[[hardware_options]]` entry that could carry it; left out, each is compared."""
    servers: int = Field(default=1, ge=1, le=100_000)
    """How many of the option it takes."""
    quote: str | None = None
    """The `[[quotes]]` entry at which it is billed: turns its spend into GPU-hours."""
    gpus_per_instance: int | None = Field(default=None, ge=1, le=1_000)
    """GPUs in each instance on its bill: turns the hours that the bill counts into GPU-hours."""
    migration_cost: MoneyText | None = None
    """Paid once to move: work, and double running during the move."""
    egress_cost: MoneyText | None = None
    """Paid once to bring its data out of the cloud."""
    credits: MoneyText | None = None
    """Received once for moving."""
    committed_per_month: MoneyText | None = None
    """Of its cloud spend, what stays payable after it has left."""
    committed_until: date | None = None
    """The last day of that commitment."""
    growth_percent_per_month: Percent = Decimal(0)
    """By how much its demand grows."""
    cloud_price_decline_percent_per_year: Share = Decimal(0)
    """By how much its cloud price falls."""
