"""Rolls GPU minutes up to hours, hours to days and to the fleet: sums of sums, maxima of maxima.

A step is always rebuilt whole from the step below and replaced by key, so that neither the order
nor the number of times changes anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, literal, select

from storage.engine import Store
from storage.replace import replace_from
from storage.steps import HOURS_PER_DAY, MINUTES_PER_HOUR
from storage.tables.telemetry import fleet_hour, gpu, gpu_day, gpu_hour, gpu_minute, roll_up_due

_HOURS_PER_TRANSACTION = 7 * HOURS_PER_DAY


def rebuild_hours(connection: Connection, touched: Mapping[int, Collection[int]]) -> None:
    """Rebuild hours from their minutes: `touched` maps hours to the ids of GPUs."""
    for hour, gpu_ids in touched.items():
        first = hour * MINUTES_PER_HOUR
        # Each minute by name: the key begins with it, so this seeks where a range would scan.
        minutes = range(first, first + MINUTES_PER_HOUR)
        rows = (
            select(
                literal(hour).label("hour"),
                gpu_minute.c.gpu_id,
                *_merged(gpu_minute),
            )
            .where(gpu_minute.c.minute.in_(minutes), gpu_minute.c.gpu_id.in_(gpu_ids))
            .group_by(gpu_minute.c.gpu_id)
        )
        replace_from(connection, gpu_hour, rows)


def roll_up(store: Store, *, now: datetime) -> int:
    """Rebuild the days and the fleet of every hour that changed; give the number of hours."""
    del now
    with store.read() as connection:
        due = list(connection.scalars(select(roll_up_due.c.hour).order_by(roll_up_due.c.hour)))
    for start in range(0, len(due), _HOURS_PER_TRANSACTION):
        hours = due[start : start + _HOURS_PER_TRANSACTION]
        with store.write() as connection:
            # First, so that an hour which changes meanwhile is due again.
            connection.execute(delete(roll_up_due).where(roll_up_due.c.hour.in_(hours)))
            _rebuild_days(connection, sorted({hour // HOURS_PER_DAY for hour in hours}))
            _rebuild_fleet(connection, hours)
    return len(due)


def _rebuild_days(connection: Connection, days: Sequence[int]) -> None:
    for day in days:
        first = day * HOURS_PER_DAY
        rows = (
            select(
                literal(day).label("day"),
                gpu_hour.c.gpu_id,
                *_merged(gpu_hour),
            )
            .where(gpu_hour.c.hour.between(first, first + HOURS_PER_DAY - 1))
            .group_by(gpu_hour.c.gpu_id)
        )
        replace_from(connection, gpu_day, rows)


def _rebuild_fleet(connection: Connection, hours: Sequence[int]) -> None:
    # A GPU whose name became known has moved to another pool: nothing of it may stay behind.
    connection.execute(delete(fleet_hour).where(fleet_hour.c.hour.in_(hours)))
    rows = (
        select(gpu_hour.c.hour, gpu.c.pool, func.count().label("gpus"), *_merged(gpu_hour))
        .join(gpu, gpu.c.gpu_id == gpu_hour.c.gpu_id)
        .where(gpu_hour.c.hour.in_(hours))
        .group_by(gpu_hour.c.hour, gpu.c.pool)
    )
    replace_from(connection, fleet_hour, rows)


def _merged(rows: Table) -> list[ColumnElement[Any]]:
    """Merge the readings of several rows into those of one longer step."""
    names = [column.name for column in gpu_hour.columns if not column.primary_key]
    return [(func.max if "_max_" in name else func.sum)(rows.c[name]).label(name) for name in names]
