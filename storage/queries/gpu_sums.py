"""Sums GPU readings over a window, exactly at its borders: whole hours, and minutes around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, Select, func, literal, select

from spendwatt.window import Window
from storage.steps import MINUTES_PER_HOUR
from storage.tables.telemetry import gpu_day, gpu_hour, gpu_minute

SUMS = (
    "covered_seconds",
    "util_missing_seconds",
    "memory_missing_seconds",
    "busy_seconds",
    "util_percent_seconds",
    "memory_mib_seconds",
    "energy_counter_joules",
    "energy_integrated_joules",
    "energy_counter_seconds",
    "energy_integrated_seconds",
    "energy_gap_seconds",
)
LARGEST = ("memory_max_mib", "power_max_watts", "temperature_max_celsius")

_UNIT = {"minute": 1, "hour": MINUTES_PER_HOUR, "day": 24 * MINUTES_PER_HOUR}
_TABLE = {"minute": gpu_minute, "hour": gpu_hour, "day": gpu_day}


@dataclass(slots=True)
class Sums:
    """What was read of a GPU, or of several, over some time."""

    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SUMS, 0))
    largest: dict[str, int | None] = field(default_factory=lambda: dict.fromkeys(LARGEST))

    def __getitem__(self, name: str) -> int:
        return self.sums[name]

    def add(self, other: Sums) -> None:
        """Add what was read elsewhere or at another time."""
        for name in SUMS:
            self.sums[name] += other.sums[name]
        for name in LARGEST:
            known = [v for v in (self.largest[name], other.largest[name]) if v is not None]
            self.largest[name] = max(known, default=None)

    @property
    def energy_joules(self) -> int:
        """Give the board energy that is known."""
        return self["energy_counter_joules"] + self["energy_integrated_joules"]

    @property
    def energy_seconds(self) -> int:
        """Give the seconds whose energy is known."""
        return self["energy_counter_seconds"] + self["energy_integrated_seconds"]


@dataclass(frozen=True, slots=True)
class GpuSums:
    """Sums by GPU and step of time."""

    rows: dict[tuple[int, int], Sums]
    """(gpu id, first minute of the step since 1970-01-01 UTC); one step: that of the window."""
    estimated: bool
    """A cut hour is older than the kept minutes, and was shared by time."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Steps [first, end) of one of the tables; `share` of each lies in the window."""

    step: str
    first: int
    end: int
    share: float = 1.0


def gpu_sums(
    connection: Connection,
    window: Window,
    *,
    step_minutes: int | None = None,
    gpu_ids: Sequence[int] | None = None,
) -> GpuSums:
    """Sum each GPU's readings over the minutes that begin in the window.

    With `step_minutes` (60, or 1,440 for UTC days) there is a sum for each step of the window.
    """
    start = -(-int(window.start.timestamp()) // 60)
    end = -(-int(window.end.timestamp()) // 60)
    found = GpuSums({}, estimated=False)
    estimated = False
    for span in _spans(connection, start, end):
        if step_minutes is not None and step_minutes < _UNIT[span.step]:
            continue  # days that are older than the kept hours have none to give
        for row in connection.execute(_statement(span, step_minutes, gpu_ids)):
            estimated |= span.share < 1
            key = (
                row.gpu_id,
                start if step_minutes is None else max(start, row.bucket * step_minutes),
            )
            found.rows.setdefault(key, Sums()).add(_shared(row, span.share))
    return GpuSums(found.rows, estimated)


def _spans(connection: Connection, start: int, end: int) -> Iterator[_Span]:
    """Cut the minutes [start, end) into days without hours, whole hours, and the rest."""
    first, last = -(-start // 60), end // 60
    if first >= last:
        yield from _cut_hour(start, end)
        return
    oldest = connection.execute(select(func.min(gpu_hour.c.hour))).scalar()
    if oldest is not None and first < oldest:
        days = range(-(-first // 24), min(last, oldest) // 24)
        if days:
            yield _Span("day", days.start, days.stop)
    yield _Span("hour", first, last)
    yield from _cut_hour(start, first * 60)
    yield from _cut_hour(last * 60, end)


def _cut_hour(start: int, end: int) -> Iterator[_Span]:
    if start < end:
        yield _Span("minute", start, end)
        for hour in range(start // 60, -(-end // 60)):
            inside = min(end, hour * 60 + 60) - max(start, hour * 60)
            if inside < MINUTES_PER_HOUR:
                yield _Span("hour", hour, hour + 1, inside / MINUTES_PER_HOUR)


def _statement(span: _Span, step_minutes: int | None, gpu_ids: Sequence[int] | None) -> Select[Any]:
    table = _TABLE[span.step]
    number = table.c[span.step]
    unit = max(1, (step_minutes or 0) // _UNIT[span.step])
    bucket = (literal(0) if step_minutes is None else number // unit).label("bucket")
    query = (
        select(
            table.c.gpu_id,
            bucket,
            *(func.sum(table.c[name]).label(name) for name in SUMS),
            *(func.max(table.c[name]).label(name) for name in LARGEST),
        )
        .where(number >= span.first, number < span.end)
        .group_by(table.c.gpu_id, "bucket")
    )
    if gpu_ids is not None:
        query = query.where(table.c.gpu_id.in_(gpu_ids))
    return query.where(~_has_minutes(table, span.first)) if span.share < 1 else query


def _has_minutes(table: Any, hour: int) -> Any:
    """Tell whether the hour's minutes are still kept for the GPU of the row."""
    return (
        select(gpu_minute.c.gpu_id)
        .where(gpu_minute.c.minute >= hour * 60, gpu_minute.c.minute < hour * 60 + 60)
        .where(gpu_minute.c.gpu_id == table.c.gpu_id)
        .exists()
    )


def _shared(row: Row[Any], share: float) -> Sums:
    sums = {name: int(getattr(row, name)) for name in SUMS}
    if share < 1:
        sums = {name: round(value * share) for name, value in sums.items()}
    return Sums(sums, {name: getattr(row, name) for name in LARGEST})
