"""Gives PostgreSQL a partition of `gpu_minute` for each day, and drops those that are past.

SQLite has no partitions: there nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, text

from storage.steps import MINUTES_PER_DAY

_PREFIX = "gpu_minute_d"
_LOCK_KEY = 0x5041525453  # "PARTS": two writers must not make the same partition
_EXISTING = text(
    "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
    "WHERE inhparent = 'gpu_minute'::regclass"
)


def ensure(connection: Connection, days: Iterable[int]) -> None:
    """Make the partitions of days that have none yet."""
    if connection.dialect.name != "postgresql":
        return
    wanted = set(days)
    if wanted <= _days(connection):
        return
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")
    for day in sorted(wanted - _days(connection)):
        first = day * MINUTES_PER_DAY
        connection.exec_driver_sql(
            f"CREATE TABLE {_name(day)} PARTITION OF gpu_minute "
            f"FOR VALUES FROM ({first}) TO ({first + MINUTES_PER_DAY})"
        )


def drop_before(connection: Connection, day: int) -> int:
    """Drop the partitions of all days before `day`; give how many rows they held."""
    rows = 0
    for name in [_name(past) for past in sorted(_days(connection)) if past < day]:
        count = f"SELECT count(*) FROM {name}"  # noqa: S608 - made of a number
        rows += connection.exec_driver_sql(count).scalar_one()
        connection.exec_driver_sql(f"DROP TABLE {name}")
    return rows


def _days(connection: Connection) -> set[int]:
    names = connection.scalars(_EXISTING)
    return {int(name.removeprefix(_PREFIX)) for name in names if name.startswith(_PREFIX)}


def _name(day: int) -> str:
    return f"{_PREFIX}{day}"
