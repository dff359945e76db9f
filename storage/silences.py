"""Keeps which findings nobody wants to hear of, until when, and who said so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from spendwatt.clock import rfc3339
from spendwatt.errors import UsageError
from spendwatt.finding_filter import parse_finding_filter, subject
from spendwatt.query import Filter, matches
from spendwatt.records import Finding
from storage.tables.service import silence as table


@dataclass(frozen=True, slots=True)
class Silence:
    """Mutes the findings that match `filter`, half-open [created_at, ends_at)."""

    id: int
    filter_text: str
    filter: Filter
    reason: str
    created_by: str
    created_at: datetime
    ends_at: datetime

    def mutes(self, finding: Finding, now: datetime) -> bool:
        """Tell whether the finding is not to be told now."""
        in_time = self.created_at <= now < self.ends_at
        return in_time and matches(self.filter, subject(finding))


def create(
    connection: Connection,
    filter_text: str,
    *,
    ends_at: datetime,
    reason: str,
    created_by: str,
    now: datetime,
) -> Silence:
    """Mute what matches the filter until `ends_at`. Raises UsageError."""
    filter_ = parse_finding_filter(filter_text)
    if ends_at <= now:
        raise UsageError(
            f"the silence would end at {rfc3339(ends_at)}, not after now",
            do="Give a time in the future",
            parameter="for",
        )
    if not reason.strip():
        raise UsageError("a silence needs a reason", do="Say why", parameter="reason")
    made = insert(table).values(
        filter=filter_text, reason=reason, created_by=created_by, created_at=now, ends_at=ends_at
    )
    id_ = int(connection.execute(made.returning(table.c.id)).scalar_one())
    return Silence(id_, filter_text, filter_, reason, created_by, now, ends_at)


def active(connection: Connection, now: datetime) -> list[Silence]:
    """Give the silences that mute something now."""
    query = select(table).where(table.c.created_at <= now, table.c.ends_at > now)
    return [_silence(row) for row in connection.execute(query.order_by(table.c.id))]


def list_silences(connection: Connection) -> list[Silence]:
    """Give all silences, also ended ones, newest first."""
    rows = connection.execute(select(table).order_by(table.c.id.desc()))
    return [_silence(row) for row in rows]


def end(connection: Connection, silence_id: int, now: datetime) -> bool:
    """End a silence early; False where none with this number is active."""
    still_on = (table.c.id == silence_id) & (table.c.ends_at > now)
    result = connection.execute(update(table).where(still_on).values(ends_at=now))
    return result.rowcount == 1


def _silence(row: Row[Any]) -> Silence:
    return Silence(
        id=row.id,
        filter_text=row.filter,
        filter=parse_finding_filter(row.filter),
        reason=row.reason,
        created_by=row.created_by,
        created_at=row.created_at,
        ends_at=row.ends_at,
    )
