"""What each GPU did: seconds seen, busy and idle, memory, power and energy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reports.contract import ACCUMULATE, Report, page
from reports.fleet import (
    AGGREGATES,
    IDENTITY,
    STEP,
    WINDOW_START,
    FleetGpu,
    fleet,
    group_columns,
    group_of,
    mean,
    order_of,
    step_length,
    step_minutes,
    step_of,
    step_start,
)
from spendwatt.estate import Estate
from spendwatt.query import Query
from spendwatt.table import Column, DataStatus, Table
from storage.engine import Store
from storage.queries.gpu_sums import GpuSums, Sums, gpu_sums
from storage.queries.idle import CutStretch, cut_stretches

FIGURES = (
    Column("gpus", "integer", "GPUs that the row counts."),
    Column("covered_seconds", "integer", "Time about which anything was read.", "s"),
    Column("util_seconds", "integer", "Time with a known utilization.", "s"),
    Column("busy_seconds", "integer", "Time at 5 % utilization or more.", "s"),
    Column("idle_seconds", "integer", "Known time in stretches of idleness.", "s"),
    Column("util_mean_percent", "number", "Mean utilization over its known time.", "%"),
    Column("memory_mean_mib", "number", "Mean memory in use over its known time.", "MiB"),
    Column("memory_max_mib", "integer", "Most memory in use.", "MiB"),
    Column("memory_total_mib", "integer", "Size of the memory.", "MiB"),
    Column("power_mean_watts", "number", "Mean board power over its known time.", "W"),
    Column("power_max_watts", "integer", "Largest board power.", "W"),
    Column("temperature_max_celsius", "integer", "Highest temperature.", "C"),
    Column("energy_joules", "integer", "Board energy; null where none is known.", "J"),
    Column(
        "energy_source_seconds",
        "object",
        "Time whose energy the device's counter told, that was integrated, that nobody knows.",
        "s",
    ),
)

CUT_HOUR = "The window cuts an hour whose minutes are no longer kept: its sums are shared by time."
CUT_IDLE = "The window cuts a stretch of idleness: its idle seconds are shared by time."


class Gpus(Report):
    """The report `gpus`."""

    summary = "What did each GPU do: how long was it seen, busy and idle, and what did it draw?"
    columns = (WINDOW_START, *IDENTITY, *FIGURES)
    aggregates = AGGREGATES
    filters = AGGREGATES
    options = (ACCUMULATE, STEP)
    default_window = "7d"

    def run(self, query: Query, store: Store, estate: Estate) -> Table:
        """Answer for every GPU that was read in the window."""
        minutes = step_minutes(query)
        with store.read() as connection:
            chosen = fleet(connection, query, estate)
            read = gpu_sums(connection, query.window, step_minutes=minutes)
            idle = cut_stretches(connection, query.window, step=step_length(query))
        groups = _groups(query, chosen, read, idle)
        rows = [_row(query, key, group) for key, group in groups.items()]
        notes = [CUT_HOUR] * read.estimated + [CUT_IDLE] * any(cut.shared for cut in idle)
        total = _Group()
        for group in groups.values():
            total.add(group)
        columns = (*group_columns(query), *FIGURES)
        return Table(
            columns=columns,
            rows=page(rows, query, *order_of(columns)),
            total=[_figures(total)] if rows else [],
            total_rows=len(rows),
            status=DataStatus.ESTIMATED if notes else DataStatus.COMPLETE,
            notes=tuple(notes),
        )


@dataclass(slots=True)
class _Group:
    """What a row shows: the GPUs that it counts, and their sums."""

    gpus: dict[int, FleetGpu] = field(default_factory=dict)
    read: Sums = field(default_factory=Sums)
    idle_seconds: float = 0.0

    def add(self, other: _Group) -> None:
        self.gpus |= other.gpus
        self.read.add(other.read)
        self.idle_seconds += other.idle_seconds


Key = tuple[tuple[tuple[str, Any], ...], int]


def _groups(
    query: Query, chosen: Mapping[int, FleetGpu], read: GpuSums, idle: Iterable[CutStretch]
) -> dict[Key, _Group]:
    """Gather by what names a row and by its step."""
    groups: dict[Key, _Group] = {}
    for (gpu_id, minute), sums in read.rows.items():
        if gpu_id in chosen:
            key = (tuple(group_of(query, chosen[gpu_id]).items()), minute)
            group = groups.setdefault(key, _Group())
            group.add(_Group({gpu_id: chosen[gpu_id]}, sums))
    by_uuid = {gpu.known.gpu.uuid: gpu for gpu in chosen.values()}
    minutes = step_minutes(query)
    for cut in idle:
        gpu = by_uuid.get(cut.stretch.gpu_uuid)
        if gpu is not None:
            minute = step_of(query.window, cut.stretch.started_at, minutes)
            key = (tuple(group_of(query, gpu).items()), minute)
            if key in groups:
                groups[key].idle_seconds += cut.stretch.idle_seconds
    return groups


def _row(query: Query, key: Key, group: _Group) -> dict[str, Any]:
    names, minute = key
    return {**step_start(query, minute), **dict(names), **_figures(group)}


def _figures(group: _Group) -> dict[str, Any]:
    read = group.read
    util_seconds = read["covered_seconds"] - read["util_missing_seconds"]
    memory_seconds = read["covered_seconds"] - read["memory_missing_seconds"]
    sizes = [gpu.known.gpu.memory_total_bytes for gpu in group.gpus.values()]
    return {
        "gpus": len(group.gpus),
        "covered_seconds": read["covered_seconds"],
        "util_seconds": util_seconds,
        "busy_seconds": read["busy_seconds"],
        # Where a window cuts a stretch, sharing by time must not exceed what was not busy.
        "idle_seconds": min(round(group.idle_seconds), util_seconds - read["busy_seconds"]),
        "util_mean_percent": mean(read["util_percent_seconds"], util_seconds),
        "memory_mean_mib": mean(read["memory_mib_seconds"], memory_seconds),
        "memory_max_mib": read.largest["memory_max_mib"],
        "memory_total_mib": None if None in sizes else sum(filter(None, sizes)) >> 20,
        "power_mean_watts": mean(read.energy_joules, read.energy_seconds),
        "power_max_watts": read.largest["power_max_watts"],
        "temperature_max_celsius": read.largest["temperature_max_celsius"],
        "energy_joules": read.energy_joules if read.energy_seconds else None,
        "energy_source_seconds": {
            "counter": read["energy_counter_seconds"],
            "integrated": read["energy_integrated_seconds"],
            "gap": read["energy_gap_seconds"],
        },
    }
