"""Reads the ledger's changes with the deliveries that brought them: what was told, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select

from spendwatt.query import CostMetric
from spendwatt.window import Window
from storage.tables.bills import account, cost_ledger, provider, region, service
from storage.tables.deliveries import delivery

_sub_account = account.alias("sub_account")
FIELDS: dict[str, ColumnElement[str]] = {
    "provider": provider.c.text,
    "account": account.c.text,
    "sub_account": _sub_account.c.text,
    "service": service.c.text,
    "region": region.c.text,
    "currency": cost_ledger.c.currency,
    "source": delivery.c.source,
}
"""What changes can be grouped by and filtered on."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one delivery changed of one day, and of one value of each asked field."""

    day: date
    fields: tuple[str, ...]
    """In the order in which they were asked."""
    source: str
    currency: str
    delivery_id: int
    billing_period: date
    received_at: datetime
    assumed: bool
    """The moment was assumed: imported history."""
    nano: int
    """Change of the cost, nano-units of the currency."""


def changes(
    connection: Connection, window: Window, metric: CostMetric, fields: Sequence[str]
) -> list[Change]:
    """Give every change of the days that the window touches, in the order of their arrival.

    They are summed over all but `fields`, the source and the currency.
    """
    ledger = cost_ledger.c
    nano = ledger.billed_nano if metric is CostMetric.BILLED else ledger.effective_nano
    query = (
        select(
            ledger.day,
            *(FIELDS[field].label(field) for field in fields),
            delivery.c.source.label("told_by"),
            ledger.currency.label("told_in"),
            ledger.delivery_id,
            delivery.c.billing_period,
            func.max(ledger.received_at).label("received_at"),
            func.max(ledger.id).label("newest"),
            ledger.assumed,
            func.sum(nano).label("nano"),
        )
        .join(provider, provider.c.id == ledger.provider_id)
        .join(account, account.c.id == ledger.account_id)
        .join(_sub_account, _sub_account.c.id == ledger.sub_account_id)
        .join(service, service.c.id == ledger.service_id)
        .join(region, region.c.id == ledger.region_id)
        .join(delivery, delivery.c.id == ledger.delivery_id)
        .where(ledger.day >= window.start_day, ledger.day < window.end_day)
        .group_by(ledger.day, *(FIELDS[field] for field in fields))
        .group_by(ledger.currency, ledger.delivery_id, ledger.assumed)
        .group_by(delivery.c.source, delivery.c.billing_period)
        .order_by("received_at", "newest")
    )
    return [_change(row, len(fields)) for row in connection.execute(query)]


def _change(row: Row[Any], fields: int) -> Change:
    return Change(
        day=row.day,
        fields=tuple(row[1 : 1 + fields]),
        source=row.told_by,
        currency=row.told_in,
        delivery_id=row.delivery_id,
        billing_period=row.billing_period,
        received_at=row.received_at,
        assumed=row.assumed,
        nano=int(row.nano),
    )
