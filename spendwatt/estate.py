"""What the user owns, pays and plans, as plain values: the part of the settings that judges money.

`service.config` reads and checks it; reports and analyzers receive it as one argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from spendwatt.money import Money
from spendwatt.query import Filter


@dataclass(frozen=True, slots=True)
class TariffBand:
    """A price of electricity for some hours of some weekdays, half-open [from_hour, to_hour)."""

    price_per_kwh: Money
    weekdays: frozenset[int]
    """0 is Monday."""
    from_hour: int
    to_hour: int
    name: str = "flat"


@dataclass(frozen=True, slots=True)
class EnergyPrice:
    """What a kilowatt-hour costs, when, and how much the building adds to each (PUE)."""

    bands: tuple[TariffBand, ...] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    pue: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Asset:
    """Hardware that the user owns. What is not configured is None, and never taken for 0."""

    name: str
    match: str
    """`host:PATTERN` or `gpu:PATTERN`, with shell wildcards."""
    purchase_price: Money | None = None
    purchased_on: date | None = None
    useful_life_years: Decimal | None = None
    salvage_value: Money | None = None
    resale_value: Money | None = None
    """What it would bring today."""
    maintenance_percent_per_year: Decimal | None = None
    staff_per_month: Money | None = None
    colocation_per_month: Money | None = None
    software_per_month: Money | None = None
    spares_percent_per_year: Decimal | None = None
    """Of the purchase price, for parts that the maintenance contract leaves out."""
    host_overhead_watts: Decimal | None = None
    """Drawn by the asset's hosts beside their GPUs, all hosts together."""
    cost_of_capital_percent_per_year: Decimal = Decimal(0)
    comparator: str | None = None
    """The cloud price that this hardware competes with: the name of a `[[quotes]]` entry, or
    `workload:NAME` for what a workload is billed per GPU-hour."""
    cloud_gpus_per_gpu: Decimal | None = None
    """Cloud GPUs that do the work of one of these GPUs (throughput equivalence)."""

    def holds(self, *, host: str | None, gpu_uuid: str) -> bool:
        """Tell whether the GPU on the host belongs to this asset."""
        key, _, pattern = self.match.partition(":")
        subject = {"host": host, "gpu": gpu_uuid}.get(key)
        return subject is not None and fnmatchcase(subject, pattern)


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit on the billed cost of a calendar month."""

    name: str
    monthly: Money
    filter: Filter | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """A cloud price for a GPU-hour that the user pays or was offered."""

    name: str
    price_per_gpu_hour: Money
    gpu_model: str | None = None
    quoted_on: date | None = None


@dataclass(frozen=True, slots=True)
class HardwareOption:
    """Hardware that could be bought instead of renting."""

    name: str
    gpus: int
    purchase_price: Money
    useful_life_years: Decimal
    gpu_model: str | None = None
    salvage_value: Money | None = None
    power_watts: Decimal | None = None
    """Of the whole server under the expected load."""
    maintenance_percent_per_year: Decimal | None = None
    staff_per_month: Money | None = None
    colocation_per_month: Money | None = None
    quoted_on: date | None = None
    software_per_month: Money | None = None
    spares_percent_per_year: Decimal | None = None
    cost_of_capital_percent_per_year: Decimal = Decimal(0)
    running_per_month: Money | None = None
    """All that one costs to run, energy and people included, where it is bought as one service:
    then the parts above are not asked for."""
    lead_time_days: int | None = None
    """From the order to the first useful hour."""
    cloud_gpus_per_gpu: Decimal | None = None
    """Cloud GPUs that do the work of one of these GPUs (throughput equivalence)."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Work that runs in the cloud and could run on own hardware, or the reverse."""

    name: str
    filter: Filter | None = None
    """The bills that it causes."""
    asset: str | None = None
    option: str | None = None
    """Name of the `[[hardware_options]]` entry that could carry it; None compares every one."""
    servers: int = 1
    """How many of the option it takes."""
    quote: str | None = None
    """Name of the `[[quotes]]` entry at which it is billed: turns its spend into GPU-hours."""
    gpus_per_instance: int | None = None
    """GPUs in each instance on its bill: turns the hours that the bill counts into GPU-hours."""
    migration_cost: Money | None = None
    """Paid once to move: work, and double running during the move."""
    egress_cost: Money | None = None
    """Paid once to bring its data out of the cloud."""
    credits: Money | None = None
    """Received once for moving: a trade-in, a vendor's grant."""
    committed_per_month: Money | None = None
    """Of its cloud spend, what stays payable after it has left."""
    committed_until: date | None = None
    growth_percent_per_month: Decimal = Decimal(0)
    cloud_price_decline_percent_per_year: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class LabelRule:
    """Gives a label to spend or GPUs: the first rule of a label that matches wins.

    Exactly one of `value` and `from_tag` is set: a fixed text, or the value of that tag.
    """

    label: str
    value: str | None = None
    from_tag: str | None = None
    filter: Filter | None = None


@dataclass(frozen=True, slots=True)
class Estate:
    """Everything of the above. An empty estate is valid: answers then say what they lack."""

    assets: tuple[Asset, ...] = ()
    energy: EnergyPrice = field(default_factory=EnergyPrice)
    budgets: tuple[Budget, ...] = ()
    quotes: tuple[Quote, ...] = ()
    hardware_options: tuple[HardwareOption, ...] = ()
    workloads: tuple[Workload, ...] = ()
    label_rules: tuple[LabelRule, ...] = ()
    currency_rates: Mapping[tuple[str, str, str], Decimal] = field(default_factory=dict)
    """(month `YYYY-MM`, from, to) -> rate."""
    public_url: str | None = None
    """Where links in texts point to."""

    def asset_of(self, *, host: str | None, gpu_uuid: str) -> Asset | None:
        """Give the first asset that holds the GPU."""
        return next((a for a in self.assets if a.holds(host=host, gpu_uuid=gpu_uuid)), None)
