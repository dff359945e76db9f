"""Prices energy by the hour it was used in: board and wall apart, exact, in the tariff's zone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from analysis.economics.tariff import week_bands
from spendwatt.estate import EnergyPrice, TariffBand
from spendwatt.money import from_nano
from spendwatt.window import Window

JOULES_PER_KWH = 3_600_000
QUARTER_SECONDS = 900
"""Every zone in use is whole quarters of an hour away from UTC: no quarter lies in two bands."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """A price of electricity, ready to be asked what holds when."""

    bands: tuple[TariffBand, ...]
    """The band of each hour of a week, Monday's first hour first; empty where none is set."""
    energy: EnergyPrice

    @property
    def currency(self) -> str | None:
        """Give the currency of all bands; None where no tariff is set."""
        return self.bands[0].price_per_kwh.currency if self.bands else None

    def band_at(self, second: int) -> TariffBand | None:
        """Give the band that holds at a moment, in seconds since 1970-01-01 UTC."""
        if not self.bands:
            return None
        local = datetime.fromtimestamp(second, UTC).astimezone(self.energy.zone)
        return self.bands[local.weekday() * 24 + local.hour]

    def shares(self, start: datetime, end: datetime) -> dict[TariffBand | None, Fraction]:
        """Give which share of [start, end) lies in each band."""
        first, last = int(start.timestamp()), int(end.timestamp())
        seconds: dict[TariffBand | None, int] = {}
        for begin, stop in _spans(first, last):
            band = self.band_at(begin)
            seconds[band] = seconds.get(band, 0) + stop - begin
        return {band: Fraction(part, last - first) for band, part in seconds.items()}

    def runs(self, window: Window) -> list[tuple[TariffBand | None, Window]]:
        """Cut a window where another band begins."""
        if len(set(self.bands)) < 2:
            return [(self.bands[0] if self.bands else None, window)]
        found: list[tuple[TariffBand | None, Window]] = []
        for begin, stop in _spans(int(window.start.timestamp()), int(window.end.timestamp())):
            band, end = self.band_at(begin), datetime.fromtimestamp(stop, UTC)
            if found and found[-1][0] is band:
                found[-1] = (band, Window(found[-1][1].start, end))
            else:
                found.append((band, Window(datetime.fromtimestamp(begin, UTC), end)))
        return found


def tariff_of(energy: EnergyPrice) -> Tariff:
    """Make a tariff ready. Raises ConfigError for an hour of the week that has no single price."""
    return Tariff(week_bands(energy), energy)


def kwh(joules: Fraction | int) -> Decimal:
    """Write joules as kilowatt-hours, to the milliwatt-hour's thousandth (nine places)."""
    return from_nano(round(Fraction(joules) * 10**9 / JOULES_PER_KWH))


def energy_cost(joules: Fraction | int, band: TariffBand | None) -> Decimal | None:
    """Price energy in one band, rounded once to a nano-unit; None where no price is set."""
    if band is None:
        return None
    price = Fraction(band.price_per_kwh.amount)
    return from_nano(round(Fraction(joules) * price * 10**9 / JOULES_PER_KWH))


def wall_joules(
    board_joules: Fraction | int, overhead_joules: Fraction | int, pue: Decimal
) -> Fraction:
    """Give what the building's meter shows for what boards and the rest of their hosts drew."""
    return (Fraction(board_joules) + Fraction(overhead_joules)) * Fraction(pue)


def overhead_joules(watts: Decimal, gpus: int, covered_seconds: int) -> Fraction:
    """Give a GPU's share of its hosts' own draw over the seconds in which it was seen.

    `watts` is drawn by all hosts of the asset together, and shared evenly by its `gpus`.
    """
    return Fraction(watts) / gpus * covered_seconds


def known_sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    """Add amounts; None where there are none or any is unknown: a part is not the whole."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(amounts) else None


def _spans(first: int, last: int) -> Iterator[tuple[int, int]]:
    """Cut [first, last) at every quarter of an hour."""
    while first < last:
        stop = min(last, (first // QUARTER_SECONDS + 1) * QUARTER_SECONDS)
        yield first, stop
        first = stop
