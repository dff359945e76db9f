"""The cloud price that an asset competes with: one that is paid or quoted, never the cheapest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from analysis.economics.answers import Answer, Origin, unknown
from analysis.economics.basis import Basis
from analysis.economics.demand import (
    AssetHours,
    WorkloadSpend,
    gpu_hours_per_month,
    spend_per_month,
)
from spendwatt.estate import Asset, Estate
from spendwatt.money import Money

BILLED = "workload:"


@dataclass(frozen=True, slots=True)
class CloudPrice:
    """What a GPU-hour costs in the cloud that an asset competes with."""

    name: str
    per_gpu_hour: Money
    origin: Origin
    since: date | None = None
    gpu_model: str | None = None


def comparator(
    estate: Estate, asset: Asset, spends: Sequence[WorkloadSpend], on: date
) -> CloudPrice | Answer:
    """Give the cloud's price for an asset's work, or the answer that says why there is none.

    A named quote, what a named workload is billed per GPU-hour, or the only quote there is: never
    the cheapest of several.
    """
    name = asset.comparator
    key = f"assets.{asset.name}.comparator"
    if name is not None and name.startswith(BILLED):
        return _billed(name, spends, on)
    quotes = [quote for quote in estate.quotes if name in (None, quote.name)]
    if len(quotes) != 1:
        what = (
            "the name of a [[quotes]] entry" if name is None else f"{name} is no [[quotes]] entry"
        )
        return unknown((f"{key} ({what})",))
    quote = quotes[0]
    return CloudPrice(
        quote.name, quote.price_per_gpu_hour, Origin.QUOTED, quote.quoted_on, quote.gpu_model
    )


def equivalence_of(
    asset: Asset, hours: AssetHours | None, price: CloudPrice, basis: Basis
) -> Decimal:
    """Give how many cloud GPUs one of an asset's replaces; what is not known is noted."""
    key = f"assets.{asset.name}.cloud_gpus_per_gpu"
    if asset.cloud_gpus_per_gpu is not None:
        return basis.number(key, asset.cloud_gpus_per_gpu, "", positive=True)
    have = hours.gpu_name if hours else None
    if price.gpu_model is None or have is None:
        basis.note(key, "1", Origin.DEFAULT)
    elif price.gpu_model.casefold() in have.casefold():
        basis.note(key, "1 (the same model)", Origin.MEASURED)
    else:
        basis.needs.append(f"{key} ({have} against a cloud {price.gpu_model})")
    return Decimal(1)


def _billed(name: str, spends: Sequence[WorkloadSpend], on: date) -> CloudPrice | Answer:
    workload = name.removeprefix(BILLED)
    spend = next((s for s in spends if s.workload == workload), None)
    hours = gpu_hours_per_month(spend, on) if spend else None
    if spend is None or not hours:
        return unknown((f"GPU-hours on the bill of workload {workload}",), waits=True)
    price = spend_per_month(spend, on)[0] / hours
    return CloudPrice(name, Money(price, spend.currency), Origin.BILLED, on)
