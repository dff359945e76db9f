"""The sections that judge money: energy, hardware, budgets, quotes, labels, rates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from service.config.sections import Name
from spendwatt.estate import EnergyPrice, TariffBand
from spendwatt.settings import FilterText, MoneyText, Number, SettingsModel, Zone

Share = Annotated[Number, Field(ge=0, le=1_000)]
Positive = Annotated[Number, Field(gt=0)]
NotNegative = Annotated[Number, Field(ge=0)]
Years = Annotated[Number, Field(gt=0, le=100)]

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class TariffEntry(SettingsModel):
    """A price of electricity for some hours of some weekdays."""

    name: Name
    """What reports call these hours, such as `peak`."""
    price_per_kwh: MoneyText
    """Such as `"0.15 EUR"`."""
    weekdays: tuple[Weekday, ...] = WEEKDAYS
    """Such as `["mon", "tue"]`; left out, every day."""
    from_hour: int = Field(default=0, ge=0, le=23)
    """The first hour, on the tariff's own clock."""
    to_hour: int = Field(default=24, ge=1, le=24)
    """The hour at which it ends; before `from_hour`, it runs past midnight."""

    def bands(self) -> list[TariffBand]:
        """Give the entry as bands that lie within one day each."""
        ends = [(self.from_hour, self.to_hour)]
        if self.to_hour <= self.from_hour:
            ends = [(self.from_hour, 24), (0, self.to_hour)]
        days = frozenset(WEEKDAYS.index(day) for day in self.weekdays)
        if len(ends) == 1:
            return [TariffBand(self.price_per_kwh, days, *ends[0], self.name)]
        after = frozenset((day + 1) % 7 for day in days)
        return [
            TariffBand(self.price_per_kwh, days, *ends[0], self.name),
            TariffBand(self.price_per_kwh, after, *ends[1], self.name),
        ]


class EnergySettings(SettingsModel):
    """What a kilowatt-hour costs: one price, or a table by the hour."""

    price_per_kwh: MoneyText | None = None
    """Such as `"0.15 USD"`; not beside a `tariff`."""
    tariff: tuple[TariffEntry, ...] = ()
    """`[[energy.tariff]]`: a price for each hour of the week, without holes or overlaps."""
    timezone: Zone = Field(default="UTC", validate_default=True)
    """The zone of the tariff's hours."""
    pue: Number = Field(default=Decimal(1), ge=1, le=10)
    """Power usage effectiveness: what the building draws for each unit that the hosts draw."""

    @model_validator(mode="after")
    def _one_price_per_hour(self) -> Self:
        if self.price_per_kwh is not None and self.tariff:
            raise ValueError("give price_per_kwh or a tariff, not both")
        currencies = {entry.price_per_kwh.currency for entry in self.tariff}
        if len(currencies) > 1:
            raise ValueError(f"the tariff's prices are in {' and '.join(sorted(currencies))}")
        problems = _holes_and_overlaps([band for entry in self.tariff for band in entry.bands()])
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def energy_price(self) -> EnergyPrice:
        """Give it as plain values."""
        bands = [band for entry in self.tariff for band in entry.bands()]
        if self.price_per_kwh is not None:
            bands = [TariffBand(self.price_per_kwh, frozenset(range(7)), 0, 24)]
        return EnergyPrice(bands=tuple(bands), zone=ZoneInfo(str(self.timezone)), pue=self.pue)


def _holes_and_overlaps(bands: list[TariffBand]) -> list[str]:
    """Name each span of hours of the week that has no price, or more than one."""
    if not bands:
        return []
    days_of: dict[str, list[str]] = {}
    for day, word in enumerate(WEEKDAYS):
        today = [band for band in bands if day in band.weekdays]
        owners = [[b.name for b in today if b.from_hour <= hour < b.to_hour] for hour in range(24)]
        for problem in _spans(owners):
            days_of.setdefault(problem, []).append(word)
    return [f"{problem} on {', '.join(days)}" for problem, days in days_of.items()]


def _spans(owners: list[list[str]]) -> list[str]:
    found: list[str] = []
    start = 0
    for hour in range(1, 25):
        if hour < 24 and owners[hour] == owners[start]:
            continue
        who, span = owners[start], f"{start:02}:00-{hour:02}:00"
        if not who:
            found.append(f"no price for {span}")
        elif len(who) > 1:
            found.append(f"{' and '.join(who)} both price {span}")
        start = hour
    return found


class BudgetEntry(SettingsModel):
    """A limit on the billed cost of a calendar month, in UTC."""

    name: Name
    """What messages call it."""
    monthly: MoneyText
    """Such as `"40000 USD"`."""
    filter: FilterText | None = None
    """Which spend counts, such as `'label[team]:"ml"'`; left out, all of the currency."""


class LabelEntry(SettingsModel):
    """A rule that gives a label to spend or GPUs; of each label the first that matches wins."""

    label: Annotated[str, Field(min_length=1, max_length=256)]
    """The label's name, such as `team`."""
    value: str | None = None
    """A fixed text; or `from_tag`."""
    from_tag: str | None = None
    """The tag whose value the label takes; or `value`."""
    filter: FilterText | None = None
    """What the rule applies to; left out, everything."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.value is None) == (self.from_tag is None):
            raise ValueError("give value or from_tag, one of the two")
        return self


class CurrencySettings(SettingsModel):
    """How amounts of one currency are expressed in another. Without a rate none is converted."""

    rates: dict[str, dict[str, Positive]] = {}
    """By month and pair: `[currency.rates."2026-03"]`, then `"EUR/USD" = "1.0842"`."""

    @field_validator("rates")
    @classmethod
    def _readable(cls, rates: dict[str, dict[str, Decimal]]) -> dict[str, dict[str, Decimal]]:
        for month, pairs in rates.items():
            _check_month(month)
            for pair in pairs:
                codes = pair.split("/")
                if len(codes) != 2 or not all(c.isalpha() and c.isupper() for c in codes):
                    raise ValueError(f'"{pair}" is not a pair such as "EUR/USD"')
        return rates

    def by_month_and_pair(self) -> dict[tuple[str, str, str], Decimal]:
        """Give (month, from, to) -> rate."""
        return {
            (month, *_pair(pair)): rate
            for month, pairs in self.rates.items()
            for pair, rate in pairs.items()
        }


def _pair(text: str) -> tuple[str, str]:
    first, _, second = text.partition("/")
    return first, second


def _check_month(month: str) -> None:
    try:
        date.fromisoformat(f"{month}-01")
    except ValueError:
        raise ValueError(f'"{month}" is not a month such as "2026-03"') from None
