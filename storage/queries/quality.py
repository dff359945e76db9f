"""Reads what is known of each delivery's quality: notes, and rows that were left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, select

from storage.tables.deliveries import delivery, quality_note, quarantined_row


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to know of a delivery."""

    column: str
    rows: int | None
    """Line items that it is about, None where they were not counted."""
    note: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A line item that was left out."""

    file: str
    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Quality:
    """What is known of the newest version of a source's billing period."""

    source: str
    billing_period: date
    state: str
    """`current`; or `rejected`, where something newer was refused and the older one stands."""
    received_at: datetime
    rows: int
    quarantined: int
    absent_since: datetime | None
    reason: str | None
    notes: Sequence[Note]
    quarantined_rows: Sequence[Quarantined]
    """The first thousand."""


def quality(connection: Connection, source: str | None = None) -> list[Quality]:
    """Give the quality of each current delivery, and of rejected ones that came after it."""
    c = delivery.c
    wanted = (
        select(delivery)
        .where(c.state.in_(("current", "rejected")))
        .order_by(c.source, c.billing_period, c.id)
    )
    if source is not None:
        wanted = wanted.where(c.source == source)
    newest: dict[tuple[str, date, str], int] = {}
    found = connection.execute(wanted).all()
    for row in found:
        newest[row.source, row.billing_period, row.state] = row.id
    shown = []
    for row in found:
        key = (row.source, row.billing_period)
        is_newest = newest[*key, row.state] == row.id
        is_outdated = row.state == "rejected" and row.id < newest.get((*key, "current"), 0)
        if is_newest and not is_outdated:
            shown.append(
                Quality(
                    source=row.source,
                    billing_period=row.billing_period,
                    state=row.state,
                    received_at=row.received_at,
                    rows=row.rows,
                    quarantined=row.quarantined,
                    absent_since=row.absent_since,
                    reason=row.reason,
                    notes=_notes(connection, row.id),
                    quarantined_rows=_quarantined(connection, row.id),
                )
            )
    return shown


def _notes(connection: Connection, delivery_id: int) -> list[Note]:
    c = quality_note.c
    found = connection.execute(
        select(c.column_name, c.rows, c.note).where(c.delivery_id == delivery_id).order_by(c.id)
    )
    return [Note(*row) for row in found]


def _quarantined(connection: Connection, delivery_id: int) -> list[Quarantined]:
    c = quarantined_row.c
    found = connection.execute(
        select(c.file, c.line, c.column_name, c.reason)
        .where(c.delivery_id == delivery_id)
        .order_by(c.id)
    )
    return [Quarantined(*row) for row in found]
