"""Lets go of minutes and hours whose time is over. Days, the fleet and idle stretches stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection, delete, func, select

from storage import partitions
from storage.engine import Store
from storage.roll_up import roll_up
from storage.steps import DAY, HOURS_PER_DAY, MINUTES_PER_DAY, MINUTES_PER_HOUR, number_of
from storage.tables.telemetry import gpu_change, gpu_hour, gpu_minute


class Keeps(Protocol):
    """Says how long telemetry is kept; whole UTC days are let go of."""

    @property
    def minute_retention(self) -> timedelta:
        """Give how long readings are kept by the minute."""

    @property
    def hour_retention(self) -> timedelta:
        """Give how long readings are kept by the hour."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long telemetry is kept where nobody says otherwise."""

    minute_retention: timedelta = timedelta(days=30)
    hour_retention: timedelta = timedelta(days=730)


DEFAULT = Retention()


def first_minute(settings: Keeps, now: datetime) -> int:
    """Give the first minute that is still kept, the start of a UTC day."""
    return number_of(now - settings.minute_retention, DAY) * MINUTES_PER_DAY


def retain(store: Store, *, now: datetime, settings: Keeps = DEFAULT) -> int:
    """Drop what is older than `settings`, once all that rests on it is made; give how many rows.

    Minutes wait for their idle stretches, hours for their minutes and for their days.
    """
    roll_up(store, now=now)
    with store.read() as connection:
        unread = connection.scalar(select(func.min(gpu_change.c.from_minute)))
    minute = first_minute(settings, now)
    minute = minute if unread is None else min(minute, unread - unread % MINUTES_PER_DAY)
    hour = number_of(now - settings.hour_retention, DAY) * HOURS_PER_DAY
    hour = min(hour, minute // MINUTES_PER_HOUR)
    with store.write() as connection:
        dropped = _drop_minutes(connection, minute)
    with store.write() as connection:
        past = connection.execute(delete(gpu_hour).where(gpu_hour.c.hour < hour))
    return dropped + past.rowcount


def _drop_minutes(connection: Connection, first: int) -> int:
    if connection.dialect.name == "postgresql":
        return partitions.drop_before(connection, first // MINUTES_PER_DAY)
    return connection.execute(delete(gpu_minute).where(gpu_minute.c.minute < first)).rowcount
