"""Reads GPUs and what was read from them: single minutes, quiet hours, sums over any window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Select, select

from spendwatt.records import Gpu
from storage.tables.telemetry import gpu, gpu_hour, gpu_minute

Columns = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class KnownGpu:
    """A GPU as the store knows it."""

    gpu_id: int
    gpu: Gpu
    pool: str


@dataclass(frozen=True, slots=True)
class Steps:
    """Rows of one GPU, rising by step; the columns' names are those of `MinuteReading`."""

    numbers: NDArray[np.int64]
    """Minutes or hours since 1970-01-01 UTC."""
    columns: Columns


def gpus(connection: Connection, gpu_ids: Sequence[int] | None = None) -> list[KnownGpu]:
    """List every GPU that was ever read, or those asked for."""
    query = select(gpu).order_by(gpu.c.host, gpu.c.device_index, gpu.c.uuid)
    if gpu_ids is not None:
        query = query.where(gpu.c.gpu_id.in_(gpu_ids))
    return [
        KnownGpu(
            gpu_id=row.gpu_id,
            gpu=Gpu(
                uuid=row.uuid,
                host=row.host,
                name=row.name,
                index=row.device_index,
                memory_total_bytes=row.memory_total_bytes,
                power_limit_watts=row.power_limit_watts,
                cloud_resource_id=row.cloud_resource_id,
            ),
            pool=row.pool,
        )
        for row in connection.execute(query)
    ]


def minutes(
    connection: Connection, gpu_ids: Sequence[int], first: int, end: int
) -> dict[int, Steps]:
    """Give the minutes [first, end) of some GPUs; a GPU without any is left out."""
    query = (
        select(gpu_minute.c.gpu_id, gpu_minute.c.minute, *_judged(gpu_minute))
        .add_columns(gpu_minute.c.processes_max.label("processes"))
        .where(gpu_minute.c.minute >= first, gpu_minute.c.minute < end)
        .where(gpu_minute.c.gpu_id.in_(gpu_ids))
        .order_by(gpu_minute.c.gpu_id, gpu_minute.c.minute)
    )
    return _by_gpu(connection, query)


def quiet_hours(
    connection: Connection, gpu_ids: Sequence[int], first: int, end: int
) -> dict[int, Steps]:
    """Give the hours [first, end) of some GPUs without a busy second, where power is known."""
    power_seconds = gpu_hour.c.energy_counter_seconds + gpu_hour.c.energy_integrated_seconds
    query = (
        select(gpu_hour.c.gpu_id, gpu_hour.c.hour, *_judged(gpu_hour))
        .where(gpu_hour.c.hour >= first, gpu_hour.c.hour < end)
        .where(gpu_hour.c.gpu_id.in_(gpu_ids))
        .where(gpu_hour.c.busy_seconds == 0, power_seconds > 0)
        .order_by(gpu_hour.c.gpu_id, gpu_hour.c.hour)
    )
    return _by_gpu(connection, query)


def _judged(table: Any) -> list[ColumnElement[Any]]:
    """Give the columns by which idleness is judged, each with the seconds that it is known for."""
    c = table.c
    return [
        (c.covered_seconds - c.util_missing_seconds).label("util_seconds"),
        c.util_percent_seconds,
        c.busy_seconds,
        (c.covered_seconds - c.memory_missing_seconds).label("memory_seconds"),
        c.memory_mib_seconds,
        (c.energy_counter_seconds + c.energy_integrated_seconds).label("power_seconds"),
        (c.energy_counter_joules + c.energy_integrated_joules).label("power_joules"),
    ]


def _by_gpu(connection: Connection, query: Select[Any]) -> dict[int, Steps]:
    result = connection.execute(query)
    names = list(result.keys())[2:]
    rows = np.array([tuple(row) for row in result], dtype=np.float64)
    if not len(rows):
        return {}
    owners = rows[:, 0].astype(np.int64)
    cuts = np.flatnonzero(np.diff(owners)) + 1
    return {
        int(part[0, 0]): Steps(
            numbers=part[:, 1].astype(np.int64),
            columns={name: part[:, place] for place, name in enumerate(names, start=2)},
        )
        for part in np.split(rows, cuts)
    }
