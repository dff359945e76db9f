"""Reads how much work there was: hours of groups of GPUs, hours that the bill counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from spendwatt.estate import LabelRule
from spendwatt.query import Filter
from spendwatt.window import Window
from storage.queries.cost_fields import Fields
from storage.tables.bills import cost_daily, unit
from storage.tables.deliveries import delivery
from storage.tables.telemetry import gpu_hour


@dataclass(frozen=True, slots=True)
class GroupHours:
    """Sums over a group of GPUs, one entry per hour that has any reading; rising by hour."""

    gpus: int
    """GPUs of the group that have any reading at all in those hours."""
    hour: NDArray[np.int64]
    """Hours since 1970-01-01 UTC."""
    util_seconds: NDArray[np.float64]
    """With a known utilization."""
    busy_seconds: NDArray[np.float64]
    energy_joules: NDArray[np.float64]
    energy_seconds: NDArray[np.float64]
    """With a known energy."""


def group_hours(connection: Connection, gpu_ids: Sequence[int], first: int, end: int) -> GroupHours:
    """Sum the hours [first, end), numbered since 1970-01-01 UTC, over some GPUs."""
    c = gpu_hour.c
    inside = (c.hour >= first, c.hour < end, c.gpu_id.in_(gpu_ids))
    query = (
        select(
            c.hour,
            func.sum(c.covered_seconds - c.util_missing_seconds),
            func.sum(c.busy_seconds),
            func.sum(c.energy_counter_joules + c.energy_integrated_joules),
            func.sum(c.energy_counter_seconds + c.energy_integrated_seconds),
        )
        .where(*inside)
        .group_by(c.hour)
        .order_by(c.hour)
    )
    rows = np.array([tuple(row) for row in connection.execute(query)], dtype=np.float64)
    columns = rows.reshape(-1, 5).T
    members = select(func.count(c.gpu_id.distinct())).where(*inside)
    seen = connection.execute(members).scalar_one()
    return GroupHours(seen, columns[0].astype(np.int64), *columns[1:])


HOURS = ("h", "hr", "hrs", "hour", "hours")
"""Units of a bill, in small letters, that count the hours of an instance."""


def billed_hours(
    connection: Connection,
    window: Window,
    filter_: Filter | None,
    rules: Sequence[LabelRule],
) -> dict[tuple[str, date], float]:
    """Sum the instance-hours that current deliveries count, by currency and UTC day.

    Rows in other units (bytes, requests, GB-months) are no hours and do not count.
    """
    c = cost_daily.c
    fields = Fields(rules, connection.dialect.name)
    hours = select(unit.c.id).where(func.lower(unit.c.text).in_(HOURS))
    held = select(delivery.c.id).where(
        delivery.c.state == "current",
        delivery.c.first_day < window.end_day,
        delivery.c.last_day >= window.start_day,
    )
    query = (
        select(c.currency, c.day, func.sum(c.quantity))
        .where(c.delivery_id.in_(held), c.day >= window.start_day, c.day < window.end_day)
        .where(c.unit_id.in_(hours), c.quantity.is_not(None))
        .where(fields.truth(filter_, c))
        .group_by(c.currency, c.day)
    )
    return {
        (currency, day): float(quantity) for currency, day, quantity in connection.execute(query)
    }
