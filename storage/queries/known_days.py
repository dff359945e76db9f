"""Reads up to which day each source of bills is known: what every answer about spend must say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, select

from storage.tables.deliveries import delivery


@dataclass(frozen=True, slots=True)
class KnownDays:
    """The current deliveries of a source, in short."""

    source: str
    last_day: date | None
    """Newest UTC usage day of which anything is known."""
    quarantined: int
    """Line items that could not be read and are in no sum."""


def known_days(connection: Connection) -> list[KnownDays]:
    """List every source that has bills, by name."""
    c = delivery.c
    query = (
        select(c.source, func.max(c.last_day), func.sum(c.quarantined))
        .where(c.state == "current")
        .group_by(c.source)
        .order_by(c.source)
    )
    return [KnownDays(name, day, int(count)) for name, day, count in connection.execute(query)]
