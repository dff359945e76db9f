"""How findings write money, days and shares for people."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal

from spendwatt.texts import money_text

_EPOCH = date(1970, 1, 1)
_CENT = Decimal("0.01")
_WIDE = Context(prec=320)
"""Holds the cents of any float."""


def money(amount: float | Decimal, currency: str, *, sign: bool = False) -> str:
    """Write an amount or a statistic as all texts do; `sign` also writes a plus."""
    written = money_text(amount if isinstance(amount, Decimal) else exact(amount), currency)
    return f"+{written}" if sign and amount >= 0 else written


def exact(amount: float) -> Decimal:
    """Round a statistic to cents, so that it can stand where money stands."""
    return Decimal(repr(float(amount))).quantize(_CENT, ROUND_HALF_EVEN, context=_WIDE)


def text(amount: float) -> str:
    """Write a statistic as JSON carries money."""
    return str(exact(amount))


def day(number: int) -> date:
    """Give the date of a day counted from 1970-01-01."""
    return _EPOCH + timedelta(days=number)


def number(of: date) -> int:
    """Count a date's days from 1970-01-01."""
    return (of - _EPOCH).days


def short(of: date) -> str:
    """Write `14 Oct`."""
    return f"{of.day} {of:%b}"


def percent(share: float) -> str:
    """Write a share as `94 %`."""
    return f"{100 * share:.0f} %"
