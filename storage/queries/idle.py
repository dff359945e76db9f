"""Reads idle stretches: joined over midnight, or cut to a window and to its days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, select

from spendwatt.clock import midnight, utc_day
from spendwatt.records import GpuState, IdleStretch
from spendwatt.window import Window
from storage.steps import DAY, MINUTE, number_of, start_of
from storage.tables.telemetry import gpu, gpu_idle, gpu_owner

LOOK_BACK = timedelta(days=90)
"""How far before a window the beginning of a stretch is looked for."""

_SUMS = (
    "idle_seconds",
    "util_percent_seconds",
    "util_seconds",
    "memory_mib_seconds",
    "memory_seconds",
    "power_joules",
    "power_seconds",
)


@dataclass(frozen=True, slots=True)
class CutStretch:
    """The part of a stretch that lies in a window, or in a day of it."""

    stretch: IdleStretch
    """Its times and sums are those of the part."""
    since: datetime
    """When the whole stretch began."""
    shared: bool = False
    """Its sums were shared by time, and that is not exact: there was a burst, or a gap."""


def stretches(connection: Connection, window: Window) -> list[IdleStretch]:
    """Give the stretches that touch a window, by GPU and time, each from its true beginning.

    Midnight does not cut them, the window's end does: nothing later is told.
    """
    known = Window(window.start - LOOK_BACK, window.end)
    return [
        join([_cut(piece, known)[0] for piece in run])
        for run in _whole(_pieces(connection, window))
        if run[-1].ended_at > window.start
    ]


def cut_stretches(
    connection: Connection, window: Window, *, step: timedelta | None = None
) -> list[CutStretch]:
    """Give what of each stretch lies in a window, or in each `step` of it (a day or an hour)."""
    return [
        CutStretch(
            stretch=join([piece for piece, _ in group]),
            since=run[0].started_at,
            shared=any(shared for _, shared in group),
        )
        for run in _whole(_pieces(connection, window))
        for group in _groups(run, window, step)
    ]


def read_until(connection: Connection, as_of: datetime) -> dict[str, datetime]:
    """Give the end of the last minute of each GPU that was read before a moment, by uuid."""
    now = number_of(as_of, MINUTE)
    query = (
        select(gpu.c.uuid, func.max(gpu_owner.c.last_minute))
        .join(gpu_owner, gpu_owner.c.gpu_id == gpu.c.gpu_id)
        .where(gpu_owner.c.first_minute < now)
        .group_by(gpu.c.uuid)
    )
    return {
        uuid: min(as_of, start_of(minute + 1, MINUTE)) for uuid, minute in connection.execute(query)
    }


def join(pieces: Sequence[IdleStretch]) -> IdleStretch:
    """Join pieces of one stretch, in order of time."""
    sums = {name: sum(getattr(piece, name) for piece in pieces) for name in _SUMS}
    return replace(pieces[0], ended_at=pieces[-1].ended_at, **sums)


def _pieces(connection: Connection, window: Window) -> list[IdleStretch]:
    """Give the pieces that touch the window, and those before it that they continue."""
    touching = [
        gpu_idle.c.started_at < window.end,
        gpu_idle.c.started_at >= window.start - DAY,  # no piece is longer than a day
        gpu_idle.c.ended_at > window.start,
    ]
    rows = connection.execute(_select().where(*touching)).all()
    continued = {
        row.gpu_id
        for row in rows
        if row.started_at <= window.start and row.started_at == midnight(utc_day(row.started_at))
    }
    if continued:
        before = [
            gpu_idle.c.gpu_id.in_(continued),
            gpu_idle.c.started_at >= window.start - LOOK_BACK,
            gpu_idle.c.ended_at <= window.start,
        ]
        rows = [*connection.execute(_select().where(*before)), *rows]
    return [_piece(row) for row in sorted(rows, key=lambda row: (row.uuid, row.started_at))]


def _select() -> Select[Any]:
    return select(gpu.c.uuid, gpu_idle).join(gpu, gpu.c.gpu_id == gpu_idle.c.gpu_id)


def _piece(row: Any) -> IdleStretch:
    return IdleStretch(
        gpu_uuid=row.uuid,
        state=GpuState(row.state),
        started_at=row.started_at,
        ended_at=row.ended_at,
        **{name: getattr(row, name) for name in _SUMS},
    )


def _whole(pieces: Iterable[IdleStretch]) -> Iterator[list[IdleStretch]]:
    """Group pieces that midnight cut apart; a change of state ends a stretch."""
    run: list[IdleStretch] = []
    for piece in pieces:
        if run and not _follows(run[-1], piece):
            yield run
            run = []
        run.append(piece)
    if run:
        yield run


def _follows(earlier: IdleStretch, later: IdleStretch) -> bool:
    return (
        earlier.gpu_uuid == later.gpu_uuid
        and earlier.state is later.state
        and earlier.ended_at == later.started_at
    )


def _touches(piece: IdleStretch, window: Window) -> bool:
    return piece.started_at < window.end and piece.ended_at > window.start


def _groups(
    run: Sequence[IdleStretch], window: Window, step: timedelta | None
) -> list[list[tuple[IdleStretch, bool]]]:
    """Give what of the pieces lies in the window together, or what lies in each step by itself."""
    inside = [_cut(piece, window) for piece in run if _touches(piece, window)]
    if step is None:
        return [inside] if inside else []
    return [
        [(part, was_shared or is_shared)]
        for piece, was_shared in inside
        for begin in _steps(piece, step)
        for part, is_shared in [_cut(piece, Window(begin, begin + step))]
    ]


def _steps(piece: IdleStretch, step: timedelta) -> list[datetime]:
    first = number_of(piece.started_at, step)
    last = number_of(piece.ended_at - MINUTE, step)
    return [start_of(number, step) for number in range(first, last + 1)]


def _cut(piece: IdleStretch, window: Window) -> tuple[IdleStretch, bool]:
    """Cut a piece to the window, and tell whether its sums are no longer exact."""
    start, end = max(piece.started_at, window.start), min(piece.ended_at, window.end)
    length = piece.ended_at - piece.started_at
    share = (end - start) / length
    if share == 1:
        return piece, False
    sums = {name: getattr(piece, name) * share for name in _SUMS}
    steady = piece.idle_seconds >= length.total_seconds()
    return replace(piece, started_at=start, ended_at=end, **sums), not steady
