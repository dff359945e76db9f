"""Money, moments and spans as people read them, in messages and tables."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from zoneinfo import ZoneInfo

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_WITHOUT_CENTS = {"JPY", "KRW"}
_WHOLE_FROM = 100  # from here on cents are noise
_ANY_SIZE = Context(prec=320, rounding=ROUND_HALF_EVEN)  # holds the cents of any float
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def money_text(amount: Decimal, currency: str) -> str:
    """Write an amount for reading: `$6,120`, `$0.96`, `-€12.50`, `1,200 CHF`.

    Amounts of 100 and more are rounded to whole units, smaller ones to cents, half to even.
    """
    whole = abs(amount) >= _WHOLE_FROM or currency in _WITHOUT_CENTS
    rounded = amount.quantize(Decimal(1) if whole else Decimal("0.01"), context=_ANY_SIZE)
    digits = f"{abs(rounded):,f}"
    sign = "-" if rounded < 0 else ""
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{digits} {currency}" if symbol is None else f"{sign}{symbol}{digits}"


def moment_text(moment: datetime, zone: ZoneInfo) -> str:
    """Write a moment for reading, in a zone and naming it: `Tue 3 Mar 2026 09:10 CET`."""
    local = moment.astimezone(zone)
    day = f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year}"
    return f"{day} {local:%H:%M} {local.tzname()}"


def span_text(span: timedelta) -> str:
    """Write a span for reading, by its largest unit: `40 min`, `22 h`, `3 days`."""
    hours = span / timedelta(hours=1)
    if hours < 1:
        return f"{max(round(hours * 60), 0)} min"
    return f"{round(hours)} h" if hours < 72 else f"{round(hours / 24)} days"
