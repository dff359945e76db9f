"""Exact money: decimals outside, integer nano-units inside the database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

from spendwatt.errors import MoneyError

NANO_PER_UNIT = 1_000_000_000
MAX_NANO = 2**63 - 1
"""Largest amount that a BIGINT column holds, in nano-units (about 9.2 billion units)."""

NO_CURRENCY = "XXX"
"""ISO 4217's code for "no currency": stored where a bill names none."""

# 60 digits hold a sum of 10**18 lines of DECIMAL(38, 21) without rounding.
_EXACT = Context(prec=60)
_NANO = Decimal(1).scaleb(-9)
_MONEY_TEXT = re.compile(r"^\s*([+-]?[0-9][0-9_,]*(?:\.[0-9]+)?)\s*([A-Za-z]{3})\s*$")


def to_nano(amount: Decimal) -> int:
    """Round `amount` once, half to even, to nano-units.

    Raises MoneyError where it is not finite or does not fit a BIGINT.
    """
    if not amount.is_finite():
        raise MoneyError(f"{amount} is not an amount of money")
    # Before rounding: an amount of more than 51 digits could not even be rounded.
    if not amount or amount.adjusted() < len(str(MAX_NANO)) - 9:
        rounded = amount.quantize(_NANO, rounding=ROUND_HALF_EVEN, context=_EXACT)
        nano = int(rounded.scaleb(9, _EXACT))
        if abs(nano) <= MAX_NANO:
            return nano
    raise MoneyError(
        f"{amount} exceeds the largest amount that can be stored "
        f"({MAX_NANO // NANO_PER_UNIT:,} units)"
    )


def from_nano(nano: int) -> Decimal:
    """Give the exact decimal amount of `nano` nano-units, without trailing zeros."""
    return plain(Decimal(nano).scaleb(-9, _EXACT))


def plain(amount: Decimal) -> Decimal:
    """Strip trailing zeros without falling into E-notation: 1E+2 becomes 100.

    Exact for up to 60 digits; what is finer than that is rounded.
    """
    stripped = amount.normalize(_EXACT)
    exponent = stripped.as_tuple().exponent
    if isinstance(exponent, int) and exponent > 0:
        return stripped.quantize(Decimal(1), context=_EXACT)
    return stripped


def amount_text(amount: Decimal) -> str:
    """Write `amount` as JSON and CSV carry it: every digit, never E-notation, never "-0"."""
    return format(plain(amount), "f") if amount else "0"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency. Two currencies never add."""

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(_EXACT.add(self.amount, other.amount), self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(_EXACT.subtract(self.amount, other.amount), self.currency)

    def __str__(self) -> str:
        return f"{amount_text(self.amount)} {self.currency}"

    def _same(self, other: Money) -> None:
        if other.currency != self.currency:
            raise MoneyError(
                f"{self} and {other} cannot be added: their currencies differ",
                do="Give a rate under [currency.rates], or ask for one currency at a time",
            )


def parse_money(text: str) -> Money:
    """Read `"250000 USD"`, `"0.15 EUR"` or `"1,250.50 usd"`. Raises MoneyError."""
    match = _MONEY_TEXT.match(text)
    if match is None:
        raise MoneyError(f'"{text}" is not an amount with its currency', do='Write "250000 USD"')
    try:
        amount = Decimal(match[1].replace(",", "").replace("_", ""))
    except InvalidOperation as err:
        raise MoneyError(f'"{text}" is not an amount', do='Write "250000 USD"') from err
    return Money(amount, match[2].upper())
