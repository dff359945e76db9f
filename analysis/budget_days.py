"""The exact days of a budget, as the store sums them; statistics read them as floats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from spendwatt.clock import month_start, utc_day

HISTORY_DAYS = 126


def first_needed(as_of: datetime) -> date:
    """Give the first day that a budget's history should hold: a month's start."""
    return month_start(month_start(utc_day(as_of)) - timedelta(days=HISTORY_DAYS))


@dataclass(frozen=True, slots=True)
class BudgetDays:
    """Billed cost of what a budget's filter selects, in the budget's currency alone."""

    first_day: date
    billed_cost: tuple[Decimal, ...]
    """One exact sum per UTC day from `first_day` to the day of `as_of`; a day without rows is 0."""
    providers: tuple[str, ...] = ()
    """Whose costs these are: the slowest of them says which days are whole."""
    other_currencies: tuple[str, ...] = ()
    """Currencies that the filter also selects, and that are not counted in."""

    def between(self, start: date, end: date) -> Decimal:
        """Sum the days start <= day < end, exactly."""
        low = max((start - self.first_day).days, 0)
        high = max((end - self.first_day).days, 0)
        return sum(self.billed_cost[low:high], Decimal(0))
