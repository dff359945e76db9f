"""Reads the ledger's changes with the deliveries that brought them: what was told, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select

from spendwatt.query import CostMetric
from spendwatt.window import Window
from storage.tables.bills import account, cost_ledger, provider, region, service
from storage.tables.deliveries import delivery

FIELDS = ("provider", "account", "sub_account", "service", "region", "currency", "source")
"""What changes can be grouped by and filtered on."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one delivery changed of one day and one value of each of `FIELDS`."""

    day: date
    fields: tuple[str, ...]
    """In the order of `FIELDS`."""
    delivery_id: int
    billing_period: date
    received_at: datetime
    assumed: bool
    """The moment was assumed: imported history."""
    nano: int
    """Change of the cost, nano-units of the currency."""


def changes(connection: Connection, window: Window, metric: CostMetric) -> list[Change]:
    """Give every change of the days that the window touches, in the order of their arrival."""
    ledger = cost_ledger.c
    sub_account = account.alias("sub_account")
    names: list[ColumnElement[str]] = [
        provider.c.text,
        account.c.text,
        sub_account.c.text,
        service.c.text,
        region.c.text,
        ledger.currency,
        delivery.c.source,
    ]
    nano = ledger.billed_nano if metric is CostMetric.BILLED else ledger.effective_nano
    query = (
        select(
            ledger.day,
            *(name.label(field) for name, field in zip(names, FIELDS, strict=True)),
            ledger.delivery_id,
            delivery.c.billing_period,
            func.max(ledger.received_at).label("received_at"),
            func.max(ledger.id).label("newest"),
            ledger.assumed,
            func.sum(nano).label("nano"),
        )
        .join(provider, provider.c.id == ledger.provider_id)
        .join(account, account.c.id == ledger.account_id)
        .join(sub_account, sub_account.c.id == ledger.sub_account_id)
        .join(service, service.c.id == ledger.service_id)
        .join(region, region.c.id == ledger.region_id)
        .join(delivery, delivery.c.id == ledger.delivery_id)
        .where(ledger.day >= window.start_day, ledger.day < window.end_day)
        .group_by(ledger.day, *names, ledger.delivery_id, delivery.c.billing_period, ledger.assumed)
        .order_by("received_at", "newest")
    )
    return [_change(row) for row in connection.execute(query)]


def _change(row: Row[Any]) -> Change:
    return Change(
        day=row.day,
        fields=tuple(row[1 : 1 + len(FIELDS)]),
        delivery_id=row.delivery_id,
        billing_period=row.billing_period,
        received_at=row.received_at,
        assumed=row.assumed,
        nano=int(row.nano),
    )
