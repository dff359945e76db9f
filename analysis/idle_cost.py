"""What idle GPU-hours cost: in all, and the part that ending them would save."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from analysis.economics.idle_cost import idle_hour
from analysis.energy_cost import Tariff, energy_cost, known_sum, kwh, wall_joules
from spendwatt.estate import Asset, Estate
from spendwatt.money import Money, from_nano
from spendwatt.records import Gpu, IdleStretch

_NOTHING = Decimal(0)
_NAMED = 3


@dataclass(frozen=True, slots=True)
class OwnedHour:
    """What an hour of one GPU costs its owner, without energy, whether it works or not."""

    asset: str | None = None
    hourly: Money | None = None
    """None: unknown, because of what `lacks` names."""
    lacks: tuple[str, ...] = ()
    """What to set before the price is known."""
    leaves_out: tuple[str, ...] = ()
    """What is not set and therefore not in the price."""


@dataclass(frozen=True, slots=True)
class IdleCost:
    """What a span of idleness cost. Amounts are in `currency`; None is unknown."""

    gpu_hours: Decimal
    energy_kwh: Decimal | None
    """Of the idle board, as its building's meter shows it (PUE included)."""
    owned: Decimal | None
    """Depreciation and maintenance: paid anyway."""
    avoidable: Decimal | None
    """Energy: what ending the idleness would have saved."""
    currency: str | None
    lacks: tuple[str, ...] = ()
    leaves_out: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal | None:
        """Give the whole cost, as far as it is known; None where the hardware's price is not."""
        return None if self.owned is None else self.owned + (self.avoidable or _NOTHING)


def owned_hours(estate: Estate, gpus: Sequence[Gpu]) -> dict[str, OwnedHour]:
    """Price an hour of each GPU, by uuid: an asset's price is shared by all its GPUs ever seen."""
    assets = {gpu.uuid: estate.asset_of(host=gpu.host, gpu_uuid=gpu.uuid) for gpu in gpus}
    names = [asset.name for asset in assets.values() if asset is not None]
    priced = {
        asset.name: _owned(asset, names.count(asset.name))
        for asset in assets.values()
        if asset is not None
    }
    return {
        gpu.uuid: _unowned(gpu) if asset is None else priced[asset.name]
        for gpu in gpus
        for asset in [assets[gpu.uuid]]
    }


def idle_cost(stretch: IdleStretch, hour: OwnedHour, tariff: Tariff) -> IdleCost:
    """Price one stretch: its known idle seconds, and its measured watts at the tariff's hours."""
    seconds = Fraction(stretch.idle_seconds)
    owned = None if hour.hourly is None else _nano(Fraction(hour.hourly.amount) * seconds / 3600)
    leaves_out = list(hour.leaves_out)
    avoidable = joules = None
    if stretch.power_seconds > 0:
        watts = Fraction(stretch.power_joules) / Fraction(stretch.power_seconds)
        joules = wall_joules(round(watts * seconds), 0, tariff.energy.pue)
        shares = tariff.shares(stretch.started_at, stretch.ended_at)
        avoidable = known_sum([energy_cost(joules * part, band) for band, part in shares.items()])
    if avoidable is None:
        leaves_out.append("energy.price_per_kwh" if joules is not None else "the GPU's power")
    currency = hour.hourly.currency if hour.hourly else tariff.currency
    if hour.hourly and tariff.currency not in (None, currency):
        leaves_out.append(f"energy.price_per_kwh in {currency}")
        avoidable = None
    return IdleCost(
        gpu_hours=_nano(seconds / 3600),
        energy_kwh=None if joules is None else kwh(joules),
        owned=owned,
        avoidable=avoidable,
        currency=currency if owned is not None or avoidable is not None else None,
        lacks=hour.lacks,
        leaves_out=tuple(leaves_out),
    )


def named(names: Sequence[str]) -> str:
    """Write the first few names of a list: `a, b, c and 5 more`."""
    more = len(names) - _NAMED
    text = ", ".join(names[:_NAMED])
    return f"{text} and {more} more" if more > 0 else text


def add_costs(costs: Sequence[IdleCost]) -> IdleCost:
    """Add costs in one currency; what any part does not know, the sum does not know."""
    currencies = {cost.currency for cost in costs if cost.currency is not None}
    one = len(currencies) == 1
    return IdleCost(
        gpu_hours=sum((cost.gpu_hours for cost in costs), _NOTHING),
        energy_kwh=known_sum([cost.energy_kwh for cost in costs]),
        owned=known_sum([cost.owned for cost in costs]) if one else None,
        avoidable=known_sum([cost.avoidable for cost in costs]) if one else None,
        currency=currencies.pop() if one else None,
        lacks=_all(cost.lacks for cost in costs),
        leaves_out=_all(cost.leaves_out for cost in costs),
    )


def _owned(asset: Asset, gpus: int) -> OwnedHour:
    lacks = [
        f"assets.{asset.name}.{name}"
        for name in ("purchase_price", "useful_life_years")
        if getattr(asset, name) is None
    ]
    if asset.purchase_price is None or asset.useful_life_years is None:
        return OwnedHour(asset.name, lacks=tuple(lacks))
    hour = idle_hour(
        purchase_price=asset.purchase_price.amount,
        salvage=asset.salvage_value.amount if asset.salvage_value else _NOTHING,
        life_years=asset.useful_life_years,
        maintenance_percent_per_year=asset.maintenance_percent_per_year or _NOTHING,
        energy=_NOTHING,  # its owner pays that by the tariff's hours
    )
    return OwnedHour(
        asset.name,
        Money(hour.owned / gpus, asset.purchase_price.currency),
        leaves_out=tuple(
            f"assets.{asset.name}.{name}"
            for name in ("salvage_value", "maintenance_percent_per_year")
            if getattr(asset, name) is None
        ),
    )


def _unowned(gpu: Gpu) -> OwnedHour:
    if gpu.cloud_resource_id is not None:
        return OwnedHour(lacks=(f"the bill of {gpu.cloud_resource_id}",))
    match = f"host:{gpu.host}" if gpu.host else f"gpu:{gpu.uuid}"
    return OwnedHour(lacks=(f'an [[assets]] entry with match = "{match}"',))


def _nano(amount: Fraction) -> Decimal:
    return from_nano(round(amount * 10**9))


def _all(names: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Give each name once, in the order in which they come."""
    return tuple(dict.fromkeys(name for part in names for name in part))
