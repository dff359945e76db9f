"""Tells of each source of bills: when it last brought something, what, and how good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, case, func, select

from storage.queries.quality import Quality, quality
from storage.tables.deliveries import delivery, source


@dataclass(frozen=True, slots=True)
class BillSource:
    """A source of bills, as it is stored now."""

    name: str
    first_received_at: datetime
    last_delivery_at: datetime | None
    """When it last brought something new; None where all that it brought was rejected."""
    last_seen_at: datetime
    """When it was last read, changed or not."""
    last_day: date | None
    """Newest usage day of which anything is known."""
    rows: int
    """Line items of all current deliveries, quarantined ones included."""
    quarantined: int
    absent_periods: Sequence[date]
    """Billing periods that its newest snapshot lacks; they are kept."""
    rejected_periods: Sequence[date]
    """Billing periods of which a newer version was refused; the older one stands."""
    quality: Sequence[Quality]


def sources(connection: Connection) -> list[BillSource]:
    """List every source of bills by name."""
    c = delivery.c
    is_current = c.state == "current"
    found = connection.execute(
        select(
            source,
            func.max(case((c.state != "rejected", c.received_at))).label("last_delivery_at"),
            func.max(case((is_current, c.last_day))).label("last_day"),
            func.coalesce(func.sum(case((is_current, c.rows))), 0).label("rows"),
            func.coalesce(func.sum(case((is_current, c.quarantined))), 0).label("quarantined"),
        )
        .join(delivery, c.source == source.c.name, isouter=True)
        .group_by(source.c.name)
        .order_by(source.c.name)
    ).all()
    known: dict[str, list[Quality]] = {}
    for each in quality(connection):
        known.setdefault(each.source, []).append(each)
    return [
        BillSource(
            name=row.name,
            first_received_at=row.first_received_at,
            last_delivery_at=row.last_delivery_at,
            last_seen_at=row.last_seen_at,
            last_day=row.last_day,
            rows=int(row.rows),
            quarantined=int(row.quarantined),
            absent_periods=[q.billing_period for q in known.get(row.name, []) if q.absent_since],
            rejected_periods=[
                q.billing_period for q in known.get(row.name, []) if q.state == "rejected"
            ],
            quality=known.get(row.name, []),
        )
        for row in found
    ]
