"""Lets go of minutes and hours whose time is over. Days, the fleet and idle stretches stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select

from storage import partitions
from storage.engine import Store
from storage.roll_up import roll_up
from storage.steps import DAY, HOURS_PER_DAY, MINUTES_PER_DAY, MINUTES_PER_HOUR, number_of
from storage.tables.telemetry import gpu_change, gpu_hour, gpu_minute


@dataclass(frozen=True, slots=True)
class Retention:
    """How long telemetry is kept, in whole UTC days."""

    minutes: timedelta = timedelta(days=30)
    hours: timedelta = timedelta(days=730)

    def first_minute(self, now: datetime) -> int:
        """Give the first minute that is still kept: the start of a UTC day."""
        return number_of(now - self.minutes, DAY) * MINUTES_PER_DAY

    def first_hour(self, now: datetime) -> int:
        """Give the first hour that is still kept: the start of a UTC day."""
        return number_of(now - self.hours, DAY) * HOURS_PER_DAY


DEFAULT = Retention()


def retain(store: Store, *, now: datetime, settings: Retention = DEFAULT) -> None:
    """Drop what is older than `settings`, once all that rests on it is made from it.

    Minutes wait for their idle stretches, hours for their minutes and for their days.
    """
    roll_up(store, now=now)
    with store.read() as connection:
        unread = connection.scalar(select(func.min(gpu_change.c.from_minute)))
    minute = settings.first_minute(now)
    minute = minute if unread is None else min(minute, unread - unread % MINUTES_PER_DAY)
    with store.write() as connection:
        _drop_minutes(connection, minute)
    with store.write() as connection:
        hour = min(settings.first_hour(now), minute // MINUTES_PER_HOUR)
        connection.execute(delete(gpu_hour).where(gpu_hour.c.hour < hour))


def _drop_minutes(connection: Connection, first: int) -> None:
    if connection.dialect.name == "postgresql":
        partitions.drop_before(connection, first // MINUTES_PER_DAY)
    else:
        connection.execute(delete(gpu_minute).where(gpu_minute.c.minute < first))
