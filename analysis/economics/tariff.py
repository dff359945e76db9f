"""What a kilowatt-hour costs by the hour of the week, and what hours of power cost by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np

from analysis.economics.demand import AssetHours, exact
from spendwatt.errors import ConfigError
from spendwatt.estate import EnergyPrice, TariffBand
from spendwatt.money import Money

HOURS_PER_WEEK = 168


def week_bands(energy: EnergyPrice) -> tuple[TariffBand, ...]:
    """Give the band of each hour of a week, Monday's first hour first, in the tariff's own zone.

    Empty where no tariff is set. Raises ConfigError naming an hour that no band or two bands hold,
    and bands in two currencies.
    """
    if not energy.bands:
        return ()
    if len({band.price_per_kwh.currency for band in energy.bands}) > 1:
        raise ConfigError("energy.bands are priced in two currencies", do="Use one for all bands")
    bands = []
    for place in range(HOURS_PER_WEEK):
        weekday, hour = divmod(place, 24)
        found = [
            band
            for band in energy.bands
            if weekday in band.weekdays and band.from_hour <= hour < band.to_hour
        ]
        if len(found) != 1:
            names = " and ".join(band.name for band in found) or "no band"
            raise ConfigError(
                f"energy.bands: hour {hour} of weekday {weekday} (0 is Monday) is in {names}",
                do="Let every hour of the week be in exactly one band",
            )
        bands.append(found[0])
    return tuple(bands)


def week_prices(energy: EnergyPrice) -> tuple[Decimal, ...]:
    """Give the price of each hour of a week, as `week_bands` gives the bands."""
    return tuple(band.price_per_kwh.amount for band in week_bands(energy))


def mean_price(energy: EnergyPrice) -> Money | None:
    """Give the price of a kilowatt-hour drawn evenly over the week; None where none is set."""
    prices = week_prices(energy)
    return _money(energy, sum(prices, Decimal(0)) / HOURS_PER_WEEK) if prices else None


def load_price(energy: EnergyPrice, hours: AssetHours) -> Money | None:
    """Give the mean price of the kilowatt-hours that an asset drew, each at its hour's price.

    Falls back to the even mean where no energy was measured; None where no tariff is set.
    """
    prices = week_prices(energy)
    total = float(hours.energy_kwh.sum())
    if not prices or total <= 0:
        return mean_price(energy)
    by_hour = np.array([float(price) for price in prices])
    places = [_hour_of_week(energy, int(second)) for second in hours.hour]
    return _money(energy, exact(float(np.dot(by_hour[places], hours.energy_kwh)) / total))


def time_of_use_cost(
    kw_by_hour: Sequence[Decimal], price_by_hour: Sequence[Decimal], pue: Decimal
) -> Decimal:
    """Give what hours of power cost at each hour's price, with the building's share (PUE)."""
    pairs = zip(kw_by_hour, price_by_hour, strict=True)
    return sum((kw * price for kw, price in pairs), Decimal(0)) * pue


def _money(energy: EnergyPrice, amount: Decimal) -> Money:
    return Money(amount, energy.bands[0].price_per_kwh.currency)


def _hour_of_week(energy: EnergyPrice, second: int) -> int:
    local = datetime.fromtimestamp(second, UTC).astimezone(energy.zone)
    return local.weekday() * 24 + local.hour
