"""Gathers what a comparison rests on, with its origin, and names what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from analysis.economics.answers import Assumption, Origin
from spendwatt.money import Money, amount_text

NOT_COUNTED = "not set, not counted"


class Basis:
    """Takes figures one by one. A missing one is noted in `needs` and reads as 0 from here on, so
    whoever gathers must look at `needs` before computing with what was gathered.
    """

    def __init__(
        self, currency: str, on: date, rates: Mapping[tuple[str, str, str], Decimal]
    ) -> None:
        self.currency = currency
        self.on = on
        self.rates = rates
        self.needs: list[str] = []
        self.waits: list[str] = []
        self.assumptions: list[Assumption] = []

    @property
    def is_complete(self) -> bool:
        """Tell whether nothing lacks, neither a setting nor a measurement."""
        return not self.needs and not self.waits

    def money(
        self,
        key: str,
        value: Money | None,
        *,
        origin: Origin = Origin.CONFIGURED,
        since: date | None = None,
        optional: bool = False,
    ) -> Decimal:
        """Take an amount, in the comparison's currency."""
        if value is None:
            return self._missing(key, optional=optional)
        self.note(key, shown(value), origin, since)
        if value.currency == self.currency:
            return value.amount
        rate = self.rates.get((f"{self.on:%Y-%m}", value.currency, self.currency))
        if rate is None:
            pair = f"{value.currency} to {self.currency}"
            self.needs.append(f"{key} in {self.currency}, or a rate {pair} for {self.on:%Y-%m}")
            return Decimal(0)
        self.note(f"rate {value.currency} to {self.currency}", str(rate), Origin.CONFIGURED)
        return value.amount * rate

    def number(
        self,
        key: str,
        value: Decimal | None,
        unit: str,
        *,
        origin: Origin = Origin.CONFIGURED,
        since: date | None = None,
        optional: bool = False,
        positive: bool = False,
    ) -> Decimal:
        """Take a figure that is not money; `positive` refuses 0 and less."""
        if value is None:
            return self._missing(key, optional=optional)
        if value < 0 or (positive and not value):
            self.needs.append(f"{key} {'above' if positive else 'at least'} 0 (it is {value})")
            return Decimal(0)
        self.note(key, f"{amount_text(value)} {unit}".strip(), origin, since)
        return value

    def day(self, key: str, value: date | None) -> date:
        """Take a day; a missing one reads as today from here on."""
        if value is None:
            self.needs.append(key)
            return self.on
        self.note(key, value.isoformat(), Origin.CONFIGURED)
        return value

    def note(self, key: str, value: str, origin: Origin, since: date | None = None) -> None:
        """Keep a figure that the answer rests on, once."""
        assumption = Assumption(key, value, origin, since)
        if assumption not in self.assumptions:
            self.assumptions.append(assumption)

    def _missing(self, key: str, *, optional: bool) -> Decimal:
        if optional:
            self.note(key, NOT_COUNTED, Origin.DEFAULT)
        elif key not in self.needs:
            self.needs.append(key)
        return Decimal(0)


def shown(value: Money) -> str:
    """Write an amount for people: what was written stays, what was computed is cut to cents."""
    exponent = value.amount.as_tuple().exponent
    computed = isinstance(exponent, int) and exponent < -6
    return str(Money(value.amount.quantize(Decimal("0.01")), value.currency) if computed else value)
