"""Money at different times: monthly rates, present values, annuities."""

from __future__ import annotations

from decimal import Decimal

from spendwatt.errors import MoneyError

MONTHS_PER_YEAR = 12


def monthly_rate(rate_per_year: Decimal) -> Decimal:
    """Give the monthly rate that compounds to a yearly one: (1 + r)^(1/12) - 1.

    Rates are shares (0.08 for 8 %). Raises MoneyError at -100 % and below.
    """
    if rate_per_year <= -1:
        raise MoneyError(f"a rate of {rate_per_year:%} a year leaves nothing to discount")
    if not rate_per_year:
        return Decimal(0)
    return (1 + rate_per_year) ** (Decimal(1) / MONTHS_PER_YEAR) - 1


def present_value(amount: Decimal, rate_per_month: Decimal, months: Decimal) -> Decimal:
    """Give what `amount`, paid `months` from now, is worth today."""
    return amount / (1 + rate_per_month) ** months


def annuity(present: Decimal, rate_per_month: Decimal, months: Decimal) -> Decimal:
    """Give the equal payment at each month's end that is worth `present` today.

    Raises MoneyError where there are no months to spread it over.
    """
    if months <= 0:
        raise MoneyError(f"nothing can be spread over {months} months")
    if not rate_per_month:
        return present / months
    return present * rate_per_month / (1 - (1 + rate_per_month) ** -months)
