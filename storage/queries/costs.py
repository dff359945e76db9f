"""Sums what the bills say, grouped and filtered as asked, from the smallest table that can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    RowMapping,
    Select,
    Table,
    case,
    func,
    select,
)

from spendwatt.clock import midnight
from spendwatt.errors import UsageError
from spendwatt.estate import LabelRule
from spendwatt.money import from_nano
from spendwatt.query import CostMetric, Query
from storage.queries.cost_fields import CURRENCY, Fields
from storage.tables.bills import (
    charge_category,
    cost_daily,
    cost_day_account,
    cost_day_mix,
    cost_day_service,
    cost_month_resource,
)
from storage.tables.deliveries import delivery

CostRow = Mapping[str, Any]
"""The asked fields by name (None where a fact has none), `billing_currency`, the asked cost by
name (None where no part of it is known), and `window_start` where the window is not accumulated.
"""

WINDOW_START = "window_start"
BILLING_CURRENCY = "billing_currency"

_NANO = {
    CostMetric.BILLED: "billed_nano",
    CostMetric.EFFECTIVE: "effective_nano",
    CostMetric.LIST: "list_nano",
    CostMetric.CONTRACTED: "contracted_nano",
}
_PURCHASE = "Purchase"


@dataclass(frozen=True, slots=True)
class CostRows:
    """The answer: a page of groups, and what they all add up to."""

    rows: Sequence[CostRow]
    total: Sequence[CostRow]
    """One for each currency, over all groups."""
    total_rows: int
    """Number of groups before `limit` and `offset`."""


def costs(connection: Connection, query: Query, rules: Sequence[LabelRule]) -> CostRows:
    """Sum the asked cost of all current deliveries by the asked fields and the currency.

    Days are those of the window, UTC; `accumulate=False` gives a row for each day. With the
    option `by` = `billing_period`, the window names billing months instead of usage days. A
    `limit` of 0 gives all rows. Raises UsageError for a field that there is not.
    """
    fields = Fields(rules, connection.dialect.name)
    groups = _groups(query, fields).cte("groups")
    metric = query.cost_metric.value
    names = [*query.aggregate, *([] if query.accumulate else [WINDOW_START])]
    page = select(groups).order_by(*_order(query, groups, names)).offset(query.offset)
    if query.limit:
        page = page.limit(query.limit)
    rows = [_row(found, query) for found in connection.execute(page).mappings()]
    total = connection.execute(
        select(groups.c[BILLING_CURRENCY], func.sum(groups.c.nano).label("nano"), func.count())
        .group_by(groups.c[BILLING_CURRENCY])
        .order_by(groups.c[BILLING_CURRENCY])
    ).all()
    return CostRows(
        rows=rows,
        total=[{BILLING_CURRENCY: code, metric: _money(nano)} for code, nano, _ in total],
        total_rows=sum(count for _, _, count in total),
    )


def _groups(query: Query, fields: Fields) -> Select[Any]:
    """Sum by ids first, where the rows are; then by texts, of which several ids may share one."""
    needed = set().union(*(fields.columns(name) for name in query.aggregate), {CURRENCY})
    filtered = fields.columns_of(query.filter)
    table = _smallest(needed | filtered, query)
    step = [] if query.accumulate else [_day(table).label(WINDOW_START)]
    keys = [table.c[name] for name in sorted(needed)]
    inner = (
        select(*keys, *step, func.sum(_nano(table, query.cost_metric)).label("nano"))
        .where(*_window(table, query), fields.truth(query.filter, table.c))
        .group_by(*keys, *([] if query.accumulate else [_day(table)]))
        .subquery("facts")
    )
    texts = [fields.text(name, inner.c).label(name) for name in query.aggregate]
    days = [] if query.accumulate else [inner.c[WINDOW_START]]
    named = select(
        *texts, *days, inner.c[CURRENCY].label(BILLING_CURRENCY), inner.c.nano.label("part")
    ).subquery("named")
    kept = [column for column in named.c if column.name != "part"]
    return select(*kept, func.sum(named.c.part).label("nano")).group_by(*kept)


def _smallest(needed: set[str], query: Query) -> Table:
    """Give the smallest table that has all columns and tells the asked days apart."""
    whole_months = query.window.start_day.day == 1 == query.window.end_day.day
    tables = [cost_day_service, cost_day_account]
    if query.accumulate and (whole_months or _by_period(query)):
        tables.append(cost_month_resource)
    have = [t for t in (*tables, cost_day_mix) if needed <= {*t.c.keys()}]
    return have[0] if have else cost_daily


def _day(table: Table) -> ColumnElement[date]:
    return table.c.month if table is cost_month_resource else table.c.day


def _nano(table: Table, metric: CostMetric) -> ColumnElement[int]:
    column = table.c[_NANO[metric]]
    if table is cost_daily and metric in {CostMetric.LIST, CostMetric.CONTRACTED}:
        # What was bought is listed again when it is used; the summaries leave it out already.
        bought = select(charge_category.c.id).where(charge_category.c.text == _PURCHASE)
        return case((table.c.charge_category_id.in_(bought), None), else_=column)
    return column


def _window(table: Table, query: Query) -> list[ColumnElement[bool]]:
    first, end = query.window.start_day, query.window.end_day
    deliveries = select(delivery.c.id).where(delivery.c.state == "current")
    if _by_period(query):
        held = deliveries.where(delivery.c.billing_period >= first, delivery.c.billing_period < end)
        return [table.c.delivery_id.in_(held)]
    # Every key begins with the delivery: naming those that touch the window makes it a range.
    held = deliveries.where(delivery.c.first_day < end, delivery.c.last_day >= first)
    day = _day(table)
    return [table.c.delivery_id.in_(held), day >= first, day < end]


def _by_period(query: Query) -> bool:
    by = query.option("by")
    if by not in {None, "usage", "billing_period"}:
        raise UsageError(
            f'by "{by}" is not understood', do="Allowed: usage, billing_period", parameter="by"
        )
    return bool(by == "billing_period")


def _order(query: Query, groups: FromClause, names: Sequence[str]) -> list[ColumnElement[Any]]:
    metric = query.cost_metric.value
    sorted_by = query.sort_by or (f"-{metric}" if query.accumulate else WINDOW_START)
    column = groups.c[_column(sorted_by.removeprefix("-"), metric, names)]
    # NULL money, like the empty text of a missing field, comes last either way.
    missing = column.is_(None) if column.name in {"nano", WINDOW_START} else column == ""
    turned = column.desc() if sorted_by.startswith("-") else column.asc()
    return [missing.asc(), turned, *(groups.c[name] for name in (*names, BILLING_CURRENCY))]


def _column(name: str, metric: str, names: Sequence[str]) -> str:
    if name == metric:
        return "nano"
    if name in {*names, BILLING_CURRENCY}:
        return name
    allowed = ", ".join([*names, BILLING_CURRENCY, metric])
    raise UsageError(
        f'sort_by "{name[:80]}" is no column of this answer',
        do=f"Allowed: {allowed}",
        parameter="sort_by",
    )


def _row(found: RowMapping, query: Query) -> CostRow:
    row: dict[str, Any] = {}
    if not query.accumulate:
        row[WINDOW_START] = midnight(found[WINDOW_START])
    row.update((name, found[name] or None) for name in query.aggregate)
    row[BILLING_CURRENCY] = found[BILLING_CURRENCY]
    row[query.cost_metric.value] = _money(found["nano"])
    return row


def _money(nano: Any) -> Any:
    return None if nano is None else from_nano(int(nano))
