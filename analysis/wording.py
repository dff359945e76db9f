"""How findings write money, days and shares for people."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal

_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
_EPOCH = date(1970, 1, 1)
_CENT = Decimal("0.01")
_WIDE = Context(prec=320)
"""Holds the cents of any float."""


def money(amount: float | Decimal, currency: str, *, sign: bool = False) -> str:
    """Write `$6,120`, `-$12.40` or `6,120 CHF`: cents only under 100; `sign` also writes a plus."""
    size = abs(float(amount))
    cents = size < 100 and round(size, 2) != round(size)
    digits = f"{size:,.{2 if cents else 0}f}"
    mark = "-" if amount < 0 else "+" if sign else ""
    symbol = _SIGNS.get(currency)
    return f"{mark}{symbol}{digits}" if symbol else f"{mark}{digits} {currency}"


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
