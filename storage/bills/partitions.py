"""Makes the monthly partitions of `cost_daily` that PostgreSQL needs, when they are needed."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, text

from spendwatt.clock import month_start, next_month

_LOCK_KEY = 0x434F5354  # "COST": one maker of partitions at a time


def ensure(connection: Connection, first_day: date, last_day: date) -> None:
    """Make the partitions of all months from `first_day` to `last_day` that do not exist yet."""
    if connection.dialect.name != "postgresql":
        return
    month = month_start(first_day)
    while month <= last_day:
        if not _exists(connection, month):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")
            if not _exists(connection, month):
                _make(connection, month)
        month = next_month(month)


def _exists(connection: Connection, month: date) -> bool:
    found = connection.execute(text("SELECT to_regclass(:name)"), {"name": _name(month)})
    return found.scalar_one() is not None


def _make(connection: Connection, month: date) -> None:
    name = _name(month)
    # Made apart and attached: CREATE ... PARTITION OF would lock out every reader of cost_daily.
    connection.exec_driver_sql(
        f"CREATE TABLE {name} (LIKE cost_daily INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
    )
    connection.exec_driver_sql(
        f"ALTER TABLE cost_daily ATTACH PARTITION {name} "
        f"FOR VALUES FROM ('{month}') TO ('{next_month(month)}')"
    )


def _name(month: date) -> str:
    return f"cost_daily_{month:%Y_%m}"
