"""Puts a staged billing period in the place of the stored one, in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from spendwatt.errors import StorageError
from spendwatt.money import amount_text
from spendwatt.records import Delivery
from storage import ledger
from storage.bills import partitions
from storage.bills.staging import Period, Staging
from storage.bulk import load
from storage.engine import Store
from storage.tables.bills import SUMMARIES, cost_daily
from storage.tables.deliveries import (
    delivery,
    delivery_total,
    quality_note,
    quarantined_row,
    source,
)

FACT_TABLES: tuple[Table, ...] = (cost_daily, *SUMMARIES)

_HALF_NANO = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Arriving:
    """A delivery on its way in, with everything that its periods share."""

    delivery: Delivery
    received_at: datetime
    now: datetime
    assumed_lag: timedelta
    examples: Sequence[Mapping[str, Any]]
    """Quarantined rows, stored with the first period."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The current delivery of a source and period, as the database has it."""

    id: int
    content: str
    received_at: datetime


def swap_in(store: Store, staging: Staging, period: Period, arriving: Arriving) -> bool:
    """Store one period, replacing what was stored of it. Tells whether anything changed.

    Raises StorageError; then, and when killed at any point, what was stored stands.
    """
    with store.write() as connection:
        lock(connection, arriving.delivery.source, period.start)
        old = current(connection, arriving.delivery.source, period.start)
        seen(connection, arriving)
        if old is not None and old.content == period.content:
            _confirm(connection, old, arriving.delivery.fingerprint)
            return False
        if old is not None:
            connection.execute(
                update(delivery).where(delivery.c.id == old.id).values(state="replaced")
            )
        new_id = insert_delivery(connection, period, arriving, _received_at(arriving, old))
        if period.first_day is not None and period.last_day is not None:
            partitions.ensure(connection, period.first_day, period.last_day)
        _write_rows(connection, staging, period, new_id)
        _reconcile(connection, period, new_id)
        _record_changes(connection, arriving, new_id, old)
        if old is not None:
            _delete_rows(connection, old.id)
    return True


def lock(connection: Connection, source_name: str, period: date) -> None:
    """Let one writer at a time at a source's period; SQLite has but one writer anyway."""
    if connection.dialect.name == "postgresql":
        digest = hashlib.sha256(f"{source_name}\0{period}".encode()).digest()
        key = int.from_bytes(digest[:8], signed=True)
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({key})")


def current(connection: Connection, source_name: str, period: date) -> Stored | None:
    """Give the current delivery of a source and period."""
    row = connection.execute(
        select(delivery.c.id, delivery.c.content, delivery.c.received_at).where(
            delivery.c.source == source_name,
            delivery.c.billing_period == period,
            delivery.c.state == "current",
        )
    ).one_or_none()
    return None if row is None else Stored(row.id, row.content, row.received_at)


def seen(connection: Connection, arriving: Arriving) -> None:
    """Note that the source was read, making its row the first time."""
    insert_ = sqlite_insert if connection.dialect.name == "sqlite" else pg_insert
    statement = insert_(source).values(
        name=arriving.delivery.source,
        first_received_at=arriving.received_at,
        last_seen_at=arriving.now,
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[source.c.name],
            set_={
                "last_seen_at": statement.excluded.last_seen_at,
                "first_received_at": _least(connection)(
                    source.c.first_received_at, statement.excluded.first_received_at
                ),
            },
        )
    )


def _least(connection: Connection) -> Any:
    return func.min if connection.dialect.name == "sqlite" else func.least


def _confirm(connection: Connection, old: Stored, fingerprint: str) -> None:
    connection.execute(
        update(delivery)
        .where(delivery.c.id == old.id)
        .values(fingerprint=fingerprint, absent_since=None)
    )


def _received_at(arriving: Arriving, old: Stored | None) -> datetime:
    # A version cannot have been known before the one that it replaces.
    return arriving.received_at if old is None else max(arriving.received_at, old.received_at)


def insert_delivery(
    connection: Connection,
    period: Period,
    arriving: Arriving,
    received_at: datetime,
    *,
    reason: str | None = None,
) -> int:
    """Insert a delivery with its totals, notes and quarantined rows; give its id.

    With a `reason` it is rejected: recorded so that it can be looked at, without facts.
    """
    row = _delivery_row(period, arriving)
    made = connection.execute(
        insert(delivery)
        .values(
            **row,
            received_at=received_at,
            reason=reason,
            state="current" if reason is None else "rejected",
        )
        .returning(delivery.c.id)
    )
    new_id = int(made.scalar_one())
    notes = [
        {"column_name": n["column"], "rows": n["rows"], "note": n["note"]} for n in period.notes
    ]
    _insert_all(connection, delivery_total, new_id, [_total_row(t) for t in period.totals])
    _insert_all(connection, quality_note, new_id, notes)
    if period.quarantined:
        examples = [_quarantined_row(e) for e in arriving.examples]
        _insert_all(connection, quarantined_row, new_id, examples)
    return new_id


def _delivery_row(period: Period, arriving: Arriving) -> dict[str, Any]:
    return {
        "source": arriving.delivery.source,
        "billing_period": period.start,
        "fingerprint": arriving.delivery.fingerprint,
        "content": period.content,
        "files": json.dumps([str(file.path) for file in arriving.delivery.files]),
        "rows": period.rows + period.quarantined,
        "quarantined": period.quarantined,
        "first_day": period.first_day,
        "last_day": period.last_day,
        "ingested_at": arriving.now,
    }


def _quarantined_row(example: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "file": Path(example["file"]).name,
        "line": example["line"] or 0,
        "column_name": example["column"],
        "reason": example["reason"],
    }


def _insert_all(
    connection: Connection, table: Table, new_id: int, rows: Sequence[Mapping[str, Any]]
) -> None:
    if rows:
        connection.execute(insert(table), [{"delivery_id": new_id, **row} for row in rows])


def _total_row(total: Any) -> dict[str, Any]:
    def exact(amount: Decimal | None) -> str | None:
        return None if amount is None else amount_text(amount)

    return {
        "currency": total.currency,
        "rows": total.rows,
        "facts": total.facts,
        "billed_cost": exact(total.billed_cost),
        "effective_cost": exact(total.effective_cost),
        "list_cost": exact(total.list_cost),
        "contracted_cost": exact(total.contracted_cost),
    }


def _write_rows(connection: Connection, staging: Staging, period: Period, new_id: int) -> None:
    for table in FACT_TABLES:
        load(
            connection,
            table.name,
            [column.name for column in table.columns],
            staging.rows_of(table.name, period.start),
            first=new_id,
            required={column.name for column in table.columns if not column.nullable},
        )


def _reconcile(connection: Connection, period: Period, new_id: int) -> None:
    """Refuse to commit unless what is stored agrees with the exact totals, and with itself."""
    exact = {t.currency: t for t in period.totals}
    for table in FACT_TABLES:
        rows = connection.execute(
            select(
                table.c.currency,
                func.sum(table.c.billed_nano),
                func.sum(table.c.effective_nano),
            )
            .where(table.c.delivery_id == new_id)
            .group_by(table.c.currency)
        )
        stored = {currency: (billed, effective) for currency, billed, effective in rows}
        for currency, total in exact.items():
            billed, effective = stored.get(currency, (0, 0))
            for nano, cost in ((billed, total.billed_cost), (effective, total.effective_cost)):
                if abs(Decimal(int(nano)) - cost.scaleb(9)) > _HALF_NANO * total.facts:
                    raise StorageError(
                        f"{table.name} of {period.start:%Y-%m} would hold {nano} nano-{currency}, "
                        f"the bill says {amount_text(cost)} {currency}: nothing was stored",
                        do="Please report this: the two must agree",
                    )


def _record_changes(
    connection: Connection, arriving: Arriving, new_id: int, old: Stored | None
) -> None:
    first = connection.scalar(
        select(source.c.first_received_at).where(source.c.name == arriving.delivery.source)
    )
    arrival = ledger.Arrival(
        _received_at(arriving, old),
        history_before=first if old is None else None,
        assumed_lag=arriving.assumed_lag,
    )
    ledger.record(connection, new_id, None if old is None else old.id, arrival)


def _delete_rows(connection: Connection, old_id: int) -> None:
    for table in FACT_TABLES:
        connection.execute(
            text(f"DELETE FROM {table.name} WHERE delivery_id = :id"),  # noqa: S608
            {"id": old_id},
        )
