"""Keeps what is told on which channel: the intent before sending, the outcome after.

A channel waits as a whole: while one of its notices is claimed by a sender, or waits after a
failed try, none of its others is due. So one process at a time works on a channel, in order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from spendwatt.records import Severity
from storage.tables.service import notice as table

ALL_RESOLVED = "all_resolved"
"""The reason of a group's last notice: nothing of what was told is open any more."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A notice that somebody decided to send. `members` and `message` are ready for JSON."""

    key: str
    channel: str
    group_key: str
    sequence: int
    reason: str
    severity: Severity
    members: Sequence[Mapping[str, Any]]
    message: Mapping[str, Any]
    intended_at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """An intent with its number and what became of it; `outcome` is None while it waits."""

    id: int
    intent: Intent
    next_try_at: datetime
    tries: int
    last_error: str | None
    outcome: str | None
    outcome_at: datetime | None


def newest(connection: Connection, group_keys: Collection[str]) -> dict[tuple[str, str], Notice]:
    """Give the newest notice per (channel, group): of these groups, and of all not yet over."""
    latest = select(func.max(table.c.id)).group_by(table.c.channel, table.c.group_key)
    wanted = or_(table.c.reason != ALL_RESOLVED, table.c.group_key.in_(sorted(group_keys)))
    rows = connection.execute(select(table).where(table.c.id.in_(latest), wanted))
    return {(row.channel, row.group_key): _notice(row) for row in rows}


def intend(connection: Connection, intents: Sequence[Intent]) -> list[Intent]:
    """Record intents; give those recorded, without those that another process was faster with."""
    into = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    recorded = []
    for intent in intents:
        statement = into(table).values(_values(intent)).on_conflict_do_nothing()
        if connection.execute(statement.returning(table.c.id)).first() is not None:
            recorded.append(intent)
    return recorded


def claim(connection: Connection, channel: str, now: datetime, until: datetime) -> Notice | None:
    """Take the next notice of a channel for sending; others find the channel busy `until` then.

    Fewest tries first, so that one that is never taken does not keep the others back; but never
    before an earlier notice of the same group.
    """
    row = connection.execute(_next(channel, now)).first()
    if row is None:
        return None
    mine = (table.c.id == row.id) & (table.c.tries == row.tries) & table.c.outcome.is_(None)
    claimed = update(table).where(mine).values(tries=row.tries + 1, next_try_at=until)
    return _notice(row) if connection.execute(claimed).rowcount == 1 else None


def is_due(connection: Connection, channel: str, now: datetime) -> bool:
    """Tell whether `claim` would find something, without asking for the right to write."""
    return connection.execute(_next(channel, now)).first() is not None


def sent(connection: Connection, notice_id: int, now: datetime) -> None:
    """Record that a notice arrived."""
    done = {"outcome": "sent", "outcome_at": now, "last_error": None}
    connection.execute(update(table).where(table.c.id == notice_id).values(done))


def failed(connection: Connection, notice_id: int, error: str, next_try_at: datetime) -> None:
    """Record that a try failed, and when the channel may be tried again."""
    values = {"last_error": error, "next_try_at": next_try_at}
    connection.execute(update(table).where(table.c.id == notice_id).values(values))


def release(connection: Connection, now: datetime) -> int:
    """Make every waiting notice due, as the daemon does when it starts; give their number.

    Claims of a dead process end, and refused channels are tried again: their settings may have
    been mended.
    """
    waiting = update(table).where(table.c.outcome.is_(None)).values(next_try_at=now)
    return connection.execute(waiting).rowcount


def expire(connection: Connection, intended_before: datetime, now: datetime) -> int:
    """Give up on notices that have waited too long to be news; give their number."""
    old = table.c.outcome.is_(None) & (table.c.intended_at < intended_before)
    values = {"outcome": "expired", "outcome_at": now}
    # One under way now is left to its sender.
    free = update(table).where(old, table.c.next_try_at <= now).values(values)
    return connection.execute(free).rowcount


def waiting(connection: Connection, channel: str) -> int:
    """Count the notices of a channel that have not arrived yet."""
    query = select(func.count()).where(table.c.channel == channel, table.c.outcome.is_(None))
    return connection.scalar(query) or 0


def waiting_since(connection: Connection) -> datetime | None:
    """Give when the oldest notice that waits was intended."""
    query = select(func.min(table.c.intended_at)).where(table.c.outcome.is_(None))
    moment: datetime | None = connection.scalar(query)
    return moment


def recent(connection: Connection, limit: int = 100) -> list[Notice]:
    """Give the newest notices of all channels, newest first."""
    query = select(table).order_by(table.c.id.desc()).limit(limit)
    return [_notice(row) for row in connection.execute(query)]


def _next(channel: str, now: datetime) -> Select[Any]:
    other, busy = table.alias("other"), table.alias("busy")
    earlier = exists().where(
        other.c.channel == table.c.channel,
        other.c.group_key == table.c.group_key,
        other.c.sequence < table.c.sequence,
        other.c.outcome.is_(None),
    )
    held = exists().where(
        busy.c.channel == channel, busy.c.outcome.is_(None), busy.c.next_try_at > now
    )
    waits = (table.c.channel == channel) & table.c.outcome.is_(None)
    query = select(table).where(waits, ~earlier, ~held)
    return query.order_by(table.c.tries, table.c.id).limit(1)


def _values(intent: Intent) -> dict[str, Any]:
    return {
        "key": intent.key,
        "channel": intent.channel,
        "group_key": intent.group_key,
        "sequence": intent.sequence,
        "reason": intent.reason,
        "severity": intent.severity.value,
        "members": [dict(member) for member in intent.members],
        "message": dict(intent.message),
        "intended_at": intent.intended_at,
        "next_try_at": intent.intended_at,
        "tries": 0,
    }


def _notice(row: Row[Any]) -> Notice:
    intent = Intent(
        key=row.key,
        channel=row.channel,
        group_key=row.group_key,
        sequence=row.sequence,
        reason=row.reason,
        severity=Severity(row.severity),
        members=row.members,
        message=row.message,
        intended_at=row.intended_at,
    )
    return Notice(
        id=row.id,
        intent=intent,
        next_try_at=row.next_try_at,
        tries=row.tries,
        last_error=row.last_error,
        outcome=row.outcome,
        outcome_at=row.outcome_at,
    )
