"""The one place that reads the wall clock; everything else is given a `Clock`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

Clock = Callable[[], datetime]
"""Returns the present moment as aware UTC. Tests pass a function of their own."""


def now() -> datetime:
    """Give the present moment, aware, in UTC."""
    return datetime.now(UTC)


def utc_day(moment: datetime) -> date:
    """Give the UTC calendar day of an aware moment."""
    return moment.astimezone(UTC).date()


def midnight(day: date) -> datetime:
    """Give the first moment of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def month_start(day: date) -> date:
    """Give the first day of the month of `day`."""
    return day.replace(day=1)


def next_month(day: date) -> date:
    """Give the first day of the month after that of `day`."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def parse_moment(text: str) -> datetime:
    """Read RFC 3339 or a plain date as aware UTC; a zoneless time is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip().replace(" ", "T", 1))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def rfc3339(moment: datetime) -> str:
    """Write an aware moment as RFC 3339 in UTC, ending in Z, without needless fractions."""
    text = moment.astimezone(UTC).isoformat(timespec="auto" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")
