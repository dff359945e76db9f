"""Minutes, hours and days as the telemetry tables count them: whole numbers since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MINUTES_PER_HOUR = 60
HOURS_PER_DAY = 24
MINUTES_PER_DAY = MINUTES_PER_HOUR * HOURS_PER_DAY

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def number_of(moment: datetime, step: timedelta) -> int:
    """Give the number of the minute, hour or day (`step`) in which an aware moment lies."""
    return (moment - _EPOCH) // step


def start_of(number: int, step: timedelta) -> datetime:
    """Give the first moment of a numbered minute, hour or day."""
    return _EPOCH + number * step
