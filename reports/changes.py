"""What we told you then, and now: days whose cost a later delivery changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from reports.contract import ACCUMULATE, COST_METRIC, Report, page
from reports.options import Option
from spendwatt.clock import midnight
from spendwatt.errors import UsageError
from spendwatt.estate import Estate
from spendwatt.money import from_nano
from spendwatt.query import CostMetric, Query, fields_of, getter, matches
from spendwatt.table import Column, DataStatus, Table
from storage.engine import Store
from storage.queries.told import FIELDS, Change, changes

BY_DEFAULT = ("provider", "service")
CURRENCY = Column("billing_currency", "text", "Currency of the row.")
FIGURES = (
    CURRENCY,
    Column("then", "money", "What was told first, or was known at `then_at`.", CURRENCY.name),
    Column("now", "money", "What is known now.", CURRENCY.name),
    Column("change", "money", "Now less then.", CURRENCY.name),
    Column("deliveries", "integer", "How many deliveries changed it since."),
    Column("changed_at", "time", "When the newest of them became known."),
    Column("changed_by", "text", "Source and billing period of that one."),
)
_HELP = {
    "provider": "Who made the service.",
    "account": "Billing account.",
    "sub_account": "Sub-account, subscription or project.",
    "service": "Service.",
    "region": "Region.",
    "currency": "Billing currency.",
    "source": "Where the bill came from.",
}
WINDOW_START = Column("window_start", "time", "The UTC day; with accumulate=false.")
ASSUMED = "When imported history was first told is assumed: each day some time after it."


@dataclass(slots=True)
class _Told:
    """What is known of one row of the answer."""

    then: int = 0
    now: int = 0
    deliveries: set[int] = field(default_factory=set)
    newest: Change | None = None


class Changes(Report):
    """The report `changes`."""

    summary = "Which days were told otherwise before, by how much, and which delivery changed them?"
    columns = (WINDOW_START, *(Column(f, "text", _HELP[f]) for f in FIELDS), *FIGURES)
    aggregates = tuple(FIELDS)
    filters = tuple(FIELDS)
    options = (
        replace(COST_METRIC, choices=(CostMetric.BILLED.value, CostMetric.EFFECTIVE.value)),
        replace(ACCUMULATE, default=False, example="true"),
        Option(
            "then_at",
            "moment",
            "Compare with what was known at this moment, instead of with what was told first.",
            "2026-03-05T12:00:00Z",
        ),
    )
    default_window = "30d"

    def run(self, query: Query, store: Store, estate: Estate) -> Table:
        """Answer for the days that the window touches; those that never changed are left out."""
        del estate  # labels are given to what is known now: the past has none
        if query.aggregate and "currency" in query.aggregate:
            raise UsageError(
                "changes are always told by currency", do="Leave it out", parameter="aggregate"
            )
        with store.read() as connection:
            found = changes(connection, query.window, query.cost_metric, _needed(query))
        told = _told(found, query)
        rows = [_row(key, one, query) for key, one in told.items() if one.then != one.now]
        names = query.aggregate or BY_DEFAULT
        known = {column.name: column for column in self.columns}
        steps = () if query.accumulate else (WINDOW_START,)
        is_assumed = any(change.assumed for change in found) and query.option("then_at") is not None
        return Table(
            columns=(*steps, *(known[name] for name in names), *FIGURES),
            rows=page(rows, query, *(column.name for column in steps), *names, CURRENCY.name),
            total=list(_totals(rows)),
            total_rows=len(rows),
            status=DataStatus.ESTIMATED if is_assumed else DataStatus.COMPLETE,
            notes=(ASSUMED,) if is_assumed else (),
        )


Place = tuple[date, str, date]
"""Usage day, source, billing period: what a delivery tells first, or tells again."""

Key = tuple[date | None, tuple[str, ...], str]


def _told(found: Sequence[Change], query: Query) -> dict[Key, _Told]:
    """Add the changes up to rows: what stood there then, what stands there now."""
    first = _first_deliveries(found)
    then_at: datetime | None = query.option("then_at")
    fields, names = _needed(query), query.aggregate or BY_DEFAULT
    told: dict[Key, _Told] = defaultdict(_Told)
    for change in found:
        values = dict(zip(fields, change.fields, strict=True))
        if not matches(query.filter, getter(values, {})):
            continue
        day = None if query.accumulate else change.day
        one = told[day, tuple(values[name] for name in names), change.currency]
        one.now += change.nano
        if then_at is None:
            was_known = change.delivery_id == first[_told_as(change)]
        else:
            was_known = change.received_at <= then_at
        if was_known:
            one.then += change.nano
        elif change.nano:
            one.deliveries.add(change.delivery_id)
            one.newest = change
    return told


def _needed(query: Query) -> list[str]:
    """Give the fields by which changes must be told apart."""
    return sorted({*(query.aggregate or BY_DEFAULT), *fields_of(query.filter)})


def _told_as(change: Change) -> Place:
    # By billing period: another month's charge for the same day is an addition, no correction.
    return change.day, change.source, change.billing_period


def _first_deliveries(found: Iterable[Change]) -> dict[Place, int]:
    """Give the delivery by which each source first told of each day."""
    first: dict[Place, int] = {}
    for change in found:
        first.setdefault(_told_as(change), change.delivery_id)
    return first


def _row(key: Key, one: _Told, query: Query) -> dict[str, Any]:
    day, names, currency = key
    newest = one.newest
    return {
        **({} if day is None else {"window_start": midnight(day)}),
        **dict(zip(query.aggregate or BY_DEFAULT, names, strict=True)),
        CURRENCY.name: currency,
        "then": from_nano(one.then),
        "now": from_nano(one.now),
        "change": from_nano(one.now - one.then),
        "deliveries": len(one.deliveries),
        "changed_at": newest and newest.received_at,
        "changed_by": newest and _name(newest),
    }


def _name(change: Change) -> str:
    return f"{change.source} {change.billing_period:%Y-%m}"


def _totals(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in rows:
        for name in ("then", "now", "change"):
            sums[row[CURRENCY.name]][name] += row[name]
    for currency in sorted(sums):
        yield {CURRENCY.name: currency, **sums[currency]}
