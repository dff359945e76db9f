"""Tells then and now: which delivery changed what was known of a day's cost, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from spendwatt.money import from_nano
from spendwatt.query import Query
from storage.queries.cost_fields import Fields
from storage.tables.bills import cost_ledger, provider, service
from storage.tables.deliveries import delivery

FIELDS = ("provider", "account", "sub_account", "service", "service_category", "region")
"""What restatements can be filtered by, beside source and currency: the ledger's own key."""


@dataclass(frozen=True, slots=True)
class Restatement:
    """A delivery changed what an earlier one had said of a service's day."""

    day: date
    provider: str
    service: str
    billing_currency: str
    source: str
    billing_period: date
    delivery_id: int
    received_at: datetime
    """When the change became known."""
    billed_cost_then: Decimal
    """As told by all deliveries before this one."""
    billed_cost_now: Decimal
    """As told with this one."""
    effective_cost_then: Decimal
    effective_cost_now: Decimal


@dataclass(frozen=True, slots=True)
class Restatements:
    """A page of restatements, newest change first."""

    rows: Sequence[Restatement]
    total_rows: int


def restatements(connection: Connection, query: Query) -> Restatements:
    """Give every change of a usage day in the window that was known before, by day and service.

    What a day cost when it was first told is no restatement. Raises UsageError for a filter on
    fields that the ledger does not keep.
    """
    changed = _changed(query, Fields((), connection.dialect.name)).cte("changed")
    known = changed.c.place > 1
    page = (
        select(changed, provider.c.text.label("provider"), service.c.text.label("service"))
        .join(provider, provider.c.id == changed.c.provider_id)
        .join(service, service.c.id == changed.c.service_id)
        .where(known)
        .order_by(changed.c.received_at.desc(), changed.c.day, "provider", "service")
        .offset(query.offset)
    )
    if query.limit:
        page = page.limit(query.limit)
    total = connection.scalar(select(func.count()).select_from(changed).where(known))
    return Restatements(
        [_restatement(row) for row in connection.execute(page)], total_rows=total or 0
    )


def _changed(query: Query, fields: Fields) -> Select[Any]:
    """Sum each delivery's changes of a service's day, and all that was known before it."""
    c = cost_ledger.c
    key = (delivery.c.source, c.day, c.provider_id, c.service_id, c.currency)
    sums = (
        select(
            *key,
            c.delivery_id,
            delivery.c.billing_period,
            func.max(c.received_at).label("received_at"),
            func.sum(c.billed_nano).label("billed"),
            func.sum(c.effective_nano).label("effective"),
        )
        .join(delivery, delivery.c.id == c.delivery_id)
        .where(
            c.day >= query.window.start_day,
            c.day < query.window.end_day,
            fields.truth(query.filter, c),
        )
        .group_by(*key, c.delivery_id, delivery.c.billing_period)
        .subquery("sums")
    )
    s = sums.c
    # Of one billing period only: another period's charge for the same day is an addition.
    same = (s.source, s.billing_period, s.day, s.provider_id, s.service_id, s.currency)

    def up_to_here(column: ColumnElement[int]) -> ColumnElement[int]:
        return func.sum(column).over(partition_by=same, order_by=s.delivery_id)

    return select(
        sums,
        up_to_here(s.billed).label("billed_now"),
        up_to_here(s.effective).label("effective_now"),
        func.row_number().over(partition_by=same, order_by=s.delivery_id).label("place"),
    )


def _restatement(row: Any) -> Restatement:
    return Restatement(
        day=row.day,
        provider=row.provider,
        service=row.service,
        billing_currency=row.currency,
        source=row.source,
        billing_period=row.billing_period,
        delivery_id=row.delivery_id,
        received_at=row.received_at,
        billed_cost_then=from_nano(int(row.billed_now - row.billed)),
        billed_cost_now=from_nano(int(row.billed_now)),
        effective_cost_then=from_nano(int(row.effective_now - row.effective)),
        effective_cost_now=from_nano(int(row.effective_now)),
    )
