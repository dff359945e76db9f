"""Reads when each source of bills or readings last brought something new."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from storage.steps import MINUTE, number_of, start_of
from storage.tables.deliveries import delivery
from storage.tables.service import run
from storage.tables.telemetry import gpu_owner


@dataclass(frozen=True, slots=True)
class News:
    """The newest that a source brought."""

    source: str
    content: str
    """`bills` or `readings`."""
    at: datetime


def last_news(connection: Connection, as_of: datetime) -> list[News]:
    """Give each source that had brought anything by `as_of`, sorted by name."""
    bills = (
        select(delivery.c.source, func.max(delivery.c.received_at))
        .where(delivery.c.received_at <= as_of)
        .group_by(delivery.c.source)
    )
    minute = number_of(as_of, MINUTE)
    readings = (
        select(gpu_owner.c.source, func.max(gpu_owner.c.last_minute))
        .where(gpu_owner.c.first_minute <= minute)
        .group_by(gpu_owner.c.source)
    )
    found = [News(name, "bills", at) for name, at in connection.execute(bills)]
    for name, last in connection.execute(readings):
        found.append(News(name, "readings", start_of(min(last, minute) + 1, MINUTE)))
    return sorted(found, key=lambda news: (news.source, news.content))


def first_asked(connection: Connection, prefix: str) -> dict[str, datetime]:
    """Give when each job whose name starts with `prefix` first ran, by the rest of its name."""
    query = (
        select(run.c.name, func.min(run.c.started_at))
        .where(run.c.name.startswith(prefix, autoescape=True))
        .group_by(run.c.name)
    )
    return {name.removeprefix(prefix): at for name, at in connection.execute(query)}
