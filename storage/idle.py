"""Keeps idle stretches: which minutes are still to be judged, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, delete, insert, or_, select

from spendwatt.records import IdleStretch
from storage.tables.telemetry import gpu, gpu_change, gpu_idle

_BATCH = 500  # rows of one statement


@dataclass(frozen=True, slots=True)
class Change:
    """Minutes [from_minute, to_minute] of a GPU that were written since they were judged."""

    gpu_id: int
    from_minute: int
    to_minute: int
    revision: int


def changes(connection: Connection) -> list[Change]:
    """List the minutes that are still to be judged, a span for each GPU."""
    query = select(
        gpu_change.c.gpu_id,
        gpu_change.c.from_minute,
        gpu_change.c.to_minute,
        gpu_change.c.revision,
    ).order_by(gpu_change.c.gpu_id)
    return [Change(*row) for row in connection.execute(query)]


def forget_changes(connection: Connection, judged: Sequence[Change]) -> None:
    """Strike what was judged off the list, but for GPUs that were written to meanwhile."""
    for start in range(0, len(judged), _BATCH):
        same = [
            and_(
                gpu_change.c.gpu_id == change.gpu_id,
                gpu_change.c.revision == change.revision,
                gpu_change.c.from_minute == change.from_minute,
                gpu_change.c.to_minute == change.to_minute,
            )
            for change in judged[start : start + _BATCH]
        ]
        connection.execute(delete(gpu_change).where(or_(*same)))


def save_stretches(
    connection: Connection,
    gpu_ids: Sequence[int],
    start: datetime,
    end: datetime,
    stretches: Iterable[IdleStretch],
) -> int:
    """Replace all stretches of some GPUs that begin in [start, end); give how many there are now.

    `stretches` are cut at UTC midnight, and start and end are midnights: so every day can be
    judged again by itself. `storage.queries.idle` joins them again.
    """
    connection.execute(
        delete(gpu_idle)
        .where(gpu_idle.c.gpu_id.in_(gpu_ids))
        .where(gpu_idle.c.started_at >= start, gpu_idle.c.started_at < end)
    )
    known = select(gpu.c.uuid, gpu.c.gpu_id).where(gpu.c.gpu_id.in_(gpu_ids))
    ids = {row.uuid: row.gpu_id for row in connection.execute(known)}
    rows = [
        {
            "gpu_id": ids[stretch.gpu_uuid],
            "started_at": stretch.started_at,
            "ended_at": stretch.ended_at,
            "state": stretch.state.value,
            "idle_seconds": stretch.idle_seconds,
            "util_percent_seconds": stretch.util_percent_seconds,
            "util_seconds": stretch.util_seconds,
            "memory_mib_seconds": stretch.memory_mib_seconds,
            "memory_seconds": stretch.memory_seconds,
            "power_joules": stretch.power_joules,
            "power_seconds": stretch.power_seconds,
        }
        for stretch in stretches
    ]
    if rows:
        connection.execute(insert(gpu_idle), rows)
    return len(rows)
