"""Where the month will end: in total, by account, by service, and for each budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from sqlalchemy import Connection

from analysis.bill_shock_replay import Replay
from analysis.budget import outlooks
from analysis.forecast import MonthEnd, month_end
from analysis.ledger import Ledger
from analysis.series import SeriesKey
from analysis.wording import day, exact, number
from reports import spend
from reports.contract import Report, page
from spendwatt.clock import month_start, utc_day
from spendwatt.errors import UsageError
from spendwatt.estate import Estate
from spendwatt.money import from_nano
from spendwatt.query import Query
from spendwatt.table import Column, DataStatus, Table
from storage.engine import Store

COIN = "billing_currency"
COLUMNS = (
    Column("provider", "text", "Who made the service; with any aggregate but budget."),
    Column("account", "text", "Billing account; with aggregate=account or service."),
    Column("sub_account", "text", "Sub-account, else billing account; with its aggregate."),
    Column("service", "text", "Service; with aggregate=service."),
    Column("budget", "text", "Name of the budget; with aggregate=budget."),
    Column("month", "day", "First day of the UTC usage month."),
    Column(COIN, "text", "Currency of the row."),
    Column("billed_so_far", "money", "Billed cost of the month as known: exact.", COIN),
    Column("forecast_p10", "money", "One month in ten ends below this.", COIN),
    Column("forecast_p50", "money", "As likely exceeded as not, fees to come included.", COIN),
    Column("forecast_p90", "money", "One month in ten ends above this.", COIN),
    Column("monthly_budget", "money", "The budget's limit; with aggregate=budget.", COIN),
    Column("breaks_on", "day", "Day on which the running total passes the budget."),
    Column("complete_until", "day", "Last day that is known whole; later ones are estimates."),
)
LEVELS: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] = {
    (): ("total", ()),
    ("account",): ("account", ("provider", "account")),
    ("sub_account",): ("account", ("provider", "sub_account")),
    ("service",): ("service", ("provider", "account", "service")),
}
"""Aggregate -> level of the series that are forecast, and the columns that name them."""
_MONEY = tuple(column.name for column in COLUMNS if column.kind == "money")


class Forecast(Report):
    """The report `forecast`."""

    summary = "Where will the month end, and which budget breaks when?"
    columns = COLUMNS
    aggregates = ("account", "sub_account", "service", "budget")
    filters = spend.LEDGER_FIELDS

    def run(self, query: Query, store: Store, estate: Estate) -> Table:
        """Forecast the month of `query.as_of`. Raises UsageError for other aggregates."""
        if query.aggregate == ("budget",):
            return self._budgets(query, store, estate)
        if query.aggregate not in LEVELS:
            raise UsageError(
                "a forecast takes one aggregate at a time",
                do="Allowed: account, sub_account, service, budget, or none for the total",
                parameter="aggregate",
            )
        with store.read() as connection:
            spent = _spent(connection, query)
        level, named = LEVELS[query.aggregate]
        rows, totals = _rows(spent, query.as_of, level, "total")
        names = (*named, "month", COIN, *_MONEY[:4], "complete_until")
        total = [{name: row[name] for name in (COIN, *_MONEY[:4])} for row in totals]
        return Table(
            columns=tuple(column for column in COLUMNS if column.name in names),
            rows=page(rows, query, COIN, "-forecast_p50"),
            total=total,
            total_rows=len(rows),
            status=DataStatus.ESTIMATED if rows else DataStatus.COMPLETE,
            notes=_notes(rows),
        )

    def _budgets(self, query: Query, store: Store, estate: Estate) -> Table:
        if query.filter is not None:
            raise UsageError(
                "each budget has its own filter",
                do="Leave filter out with aggregate=budget",
                parameter="filter",
            )
        with store.read() as connection:
            told = spend.changes_of(connection, query.as_of)
            days = spend.budget_days(connection, estate, query.as_of, told)
        found = outlooks(estate.budgets, days, told.ledger, query.as_of)
        rows = [
            {
                "budget": one.budget.name,
                "month": one.month,
                COIN: one.budget.monthly.currency,
                "billed_so_far": one.spent,
                "forecast_p10": one.p10 if one.has_history else None,
                "forecast_p50": one.p50 if one.has_history else None,
                "forecast_p90": one.p90 if one.has_history else None,
                "monthly_budget": one.budget.monthly.amount,
                "breaks_on": one.breaks_on,
                "complete_until": one.whole_until if one.spent or one.has_history else None,
            }
            for one in found
            if not one.has_ended
        ]
        return Table(
            columns=tuple(column for column in COLUMNS if column.name in {"budget", *_BUDGET}),
            rows=page(rows, query, "budget"),
            total_rows=len(rows),
            status=DataStatus.ESTIMATED if rows else DataStatus.COMPLETE,
            notes=() if rows else ("No [[budgets]] are configured.",),
        )


_BUDGET = ("month", COIN, *_MONEY, "breaks_on", "complete_until")


@dataclass(frozen=True, slots=True)
class _Spent:
    """The ledger of what was asked for, and the month's exact sums by its series."""

    ledger: Ledger
    month_nano: Mapping[int, int]
    """Place in `ledger.series` -> nano-units."""


def _spent(connection: Connection, query: Query) -> _Spent:
    found = spend.changes_of(connection, query.as_of)
    if query.aggregate != ("sub_account",):
        found = found.by_billing_account()
    wanted = found.matching(query.filter)
    kept = np.array(wanted, dtype=np.bool_)[found.ledger.series_index]
    start = number(month_start(utc_day(query.as_of)))
    in_month = kept & (found.ledger.day >= start)
    sums = np.zeros(len(wanted), dtype=np.int64)
    np.add.at(sums, found.ledger.series_index[in_month], found.billed_nano[in_month])
    return _Spent(
        found.ledger.where(kept),
        {place: int(nano) for place, nano in enumerate(sums) if wanted[place]},
    )


def _rows(spent: _Spent, as_of: datetime, *levels: str) -> list[list[dict[str, Any]]]:
    """Give the rows of each level, all from one replay."""
    if not len(spent.ledger):
        return [[] for _ in levels]
    today = utc_day(as_of)
    replay = Replay(spent.ledger, last_day=number(today))
    replay.run(until_seconds=int(as_of.timestamp()))
    ends = month_end(replay, today)
    billed = [_billed(spent, level) for level in levels]
    return [
        [
            _row(replay, ends, row, of[key], today)
            for row, key in enumerate(replay.keys)
            if key in of
        ]
        for of in billed
    ]


def _billed(spent: _Spent, level: str) -> dict[SeriesKey, Decimal]:
    """Sum the month exactly by the keys of one level."""
    sums: dict[SeriesKey, int] = {}
    for place, nano in spent.month_nano.items():
        provider, account, service, _, currency = spent.ledger.series[place]
        key = {
            "service": SeriesKey(provider, account, service, currency),
            "account": SeriesKey(provider, account, "*", currency),
            "total": SeriesKey("*", "*", "*", currency),
        }[level]
        sums[key] = sums.get(key, 0) + nano
    return {key: from_nano(nano) for key, nano in sums.items()}


def _row(replay: Replay, ends: MonthEnd, row: int, billed: Decimal, today: date) -> dict[str, Any]:
    key = replay.keys[row]
    whole = day(replay.first_day + int(replay.judged[row]))
    long_enough = (today - day(replay.first_day)) >= timedelta(days=28)
    return {
        "provider": key.provider,
        "account": key.account,
        "sub_account": key.account,
        "service": key.service,
        "month": ends.month,
        COIN: key.currency,
        "billed_so_far": billed,
        "forecast_p10": exact(float(ends.p10[row])) if long_enough else None,
        "forecast_p50": exact(float(ends.p50[row])) if long_enough else None,
        "forecast_p90": exact(float(ends.p90[row])) if long_enough else None,
        "complete_until": whole,
    }


def _notes(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    if not rows:
        return ("No bills are known for this month yet.",)
    if any(row["forecast_p50"] is None for row in rows):
        return ("A forecast needs four weeks of bills; fewer are known.",)
    return ("The range holds eight months in ten; it knows nothing of what you plan.",)
