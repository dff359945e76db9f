"""The parts of a cost below the ledger: what is asked of the present bill, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class PartsAsked:
    """Asks which regions, SKUs, resources and tags made up one series on some days."""

    provider: str
    account: str
    """The sub-account where the bill names one, else the billing account."""
    service: str
    currency: str
    days: tuple[date, ...]
    """The days to be explained."""
    before: tuple[date, ...]
    """The days that tell what is usual."""


@dataclass(frozen=True, slots=True)
class PartDays:
    """One region, SKU, resource and set of tags, day by day; what the bill does not name is empty.

    A day without a charge is missing. Costs are floats: they feed statistics only.
    """

    region: str
    sku: str
    resource: str
    tags: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    billed_cost: Mapping[date, float] = field(default_factory=dict)
    quantity: Mapping[date, float] = field(default_factory=dict)
    """In `unit`; days of which it is not known are missing."""
