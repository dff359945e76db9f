"""Reads how hard groups of GPUs worked, hour by hour: what break-even and sizing rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from storage.tables.telemetry import gpu_hour


@dataclass(frozen=True, slots=True)
class GroupHours:
    """Sums over a group of GPUs, one entry per hour that has any reading; rising by hour."""

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
    query = (
        select(
            c.hour,
            func.sum(c.covered_seconds - c.util_missing_seconds),
            func.sum(c.busy_seconds),
            func.sum(c.energy_counter_joules + c.energy_integrated_joules),
            func.sum(c.energy_counter_seconds + c.energy_integrated_seconds),
        )
        .where(c.hour >= first, c.hour < end, c.gpu_id.in_(gpu_ids))
        .group_by(c.hour)
        .order_by(c.hour)
    )
    rows = np.array([tuple(row) for row in connection.execute(query)], dtype=np.float64)
    columns = rows.reshape(-1, 5).T
    return GroupHours(columns[0].astype(np.int64), *columns[1:])
