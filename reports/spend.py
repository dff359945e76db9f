"""Reads the cost ledger, and the days of budgets, in the form that the analysis takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from analysis.bill_shock import first_needed
from analysis.budget_days import BudgetDays
from analysis.budget_days import first_needed as first_day_of_budgets
from analysis.ledger import Ledger, SeriesName
from analysis.wording import day as day_of
from analysis.wording import number
from spendwatt.clock import midnight, utc_day
from spendwatt.estate import Budget, Estate, LabelRule
from spendwatt.money import from_nano
from spendwatt.query import Filter, Query, fields_of, getter, matches
from spendwatt.window import Window
from storage.queries.costs import costs
from storage.queries.ledger import Series, changes

LEDGER_FIELDS = ("provider", "account", "sub_account", "service", "region", "currency")
"""What the ledger tells apart, in the words of costs: `account` is the billing account."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The ledger for statistics, and beside it the exact amounts of its rows."""

    ledger: Ledger
    billed_nano: NDArray[np.int64]
    asked: Sequence[Series]
    """Parallel to `ledger.series`: the values of `LEDGER_FIELDS`."""

    def matching(self, filter_: Filter | None) -> list[bool]:
        """Tell of each series whether the filter selects it."""
        named = (dict(zip(LEDGER_FIELDS, one, strict=True)) for one in self.asked)
        return [matches(filter_, getter(fields, {})) for fields in named]

    def by_billing_account(self) -> Changes:
        """Give the same with each series under the account that is billed."""
        series = tuple((p, a, s, r, c) for p, a, _, s, r, c in self.asked)
        return replace(self, ledger=replace(self.ledger, series=series))


def ledger(connection: Connection, as_of: datetime, *, first_day: date | None = None) -> Ledger:
    """Read every change known at `as_of`, of as many days as bill shock looks back.

    `first_day` asks for days from another one on.
    """
    return changes_of(connection, as_of, first_day=first_day).ledger


def changes_of(
    connection: Connection, as_of: datetime, *, first_day: date | None = None
) -> Changes:
    """Read the same with its exact amounts."""
    first = first_needed(as_of) if first_day is None else first_day
    rows = changes(connection, first_day=first, as_of=as_of)
    found = Ledger.from_columns(
        [_series(one) for one in rows.series],
        series_index=rows.series_index,
        day=rows.day,
        received=rows.received,
        assumed=rows.assumed,
        billed_nano=rows.billed_nano,
        effective_nano=rows.effective_nano,
    )
    return Changes(found, np.asarray(rows.billed_nano, dtype=np.int64), rows.series)


def _series(asked: Series) -> SeriesName:
    """Name a series by its sub-account: under one payer each of them spends in its own way."""
    provider, account, sub_account, service, region, currency = asked
    return provider, sub_account or account, service, region, currency


def budget_days(
    connection: Connection, estate: Estate, as_of: datetime, told: Changes | None = None
) -> dict[str, BudgetDays]:
    """Sum each budget's days exactly; `told` is the ledger where it is already read.

    A budget whose filter asks only for what the ledger tells apart is summed as known at `as_of`;
    one that asks for more (SKU, resource, tags, labels) as stored now: only that is kept.
    """
    first, last = first_day_of_budgets(as_of), utc_day(as_of)
    found = {}
    for budget in estate.budgets:
        if fields_of(budget.filter) <= {*LEDGER_FIELDS}:
            told = told or changes_of(connection, as_of, first_day=first)
            rows = _from_ledger(told, budget, first, last)
        else:
            rows = _from_store(connection, budget, estate.label_rules, first, last)
        found[budget.name] = _days(budget, rows, first, last)
    return found


_Row = tuple[str, str, date, Decimal]
"""(provider, currency, day, billed cost)."""


def _from_ledger(told: Changes, budget: Budget, first: date, last: date) -> Iterator[_Row]:
    ledger = told.ledger
    wanted = np.array(told.matching(budget.filter), dtype=np.bool_)[ledger.series_index]
    wanted &= (ledger.day >= number(first)) & (ledger.day <= number(last))
    sums: dict[tuple[int, int], int] = defaultdict(int)
    columns = (ledger.series_index[wanted], ledger.day[wanted], told.billed_nano[wanted])
    for place, day, nano in zip(*(column.tolist() for column in columns), strict=True):
        sums[place, day] += nano
    for (place, day), nano in sums.items():
        provider, *_, currency = ledger.series[place]
        yield provider, currency, day_of(day), from_nano(nano)


def _from_store(
    connection: Connection, budget: Budget, rules: Sequence[LabelRule], first: date, last: date
) -> Iterator[_Row]:
    query = Query(
        window=Window(midnight(first), midnight(last + timedelta(days=1))),
        aggregate=("provider",),
        accumulate=False,
        filter=budget.filter,
        limit=0,
    )
    for row in costs(connection, query, rules).rows:
        day = utc_day(row["window_start"])
        yield row["provider"] or "", row["billing_currency"], day, row["billed_cost"]


def _days(budget: Budget, rows: Iterable[_Row], first: date, last: date) -> BudgetDays:
    billed: dict[date, Decimal] = defaultdict(Decimal)
    providers, others = set(), set()
    for provider, currency, day, amount in rows:
        if currency != budget.monthly.currency:
            others.add(currency)
            continue
        providers.add(provider)
        billed[day] += amount
    count = (last - first).days + 1
    return BudgetDays(
        first_day=first,
        billed_cost=tuple(billed[first + timedelta(days=place)] for place in range(count)),
        providers=tuple(sorted(providers)),
        other_currencies=tuple(sorted(others)),
    )
