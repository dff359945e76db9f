"""When GPUs stood idle, in which state, and what that cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from analysis.energy_cost import tariff_of
from analysis.idle_cost import IdleCost, add_costs, idle_cost, named, owned_hours
from reports.contract import ACCUMULATE, Report, page
from reports.fleet import (
    FIELDS,
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
from spendwatt.query import Filter, Query, getter, matches
from spendwatt.records import IDLE_STATES
from spendwatt.table import Column, DataStatus, Table
from storage.engine import Store
from storage.queries.idle import CutStretch, cut_stretches, join

STATE = Column("state", "text", f"What kind of idleness: {', '.join(IDLE_STATES)}.")
STRETCH = (
    Column("started_at", "time", "When it began, or the window did."),
    Column("ended_at", "time", "When it ended, as far as is known in the window."),
    Column("since", "time", "When the whole stretch began, also before the window."),
)
FIGURES = (
    Column("stretches", "integer", "Stretches that the row counts."),
    Column("idle_seconds", "number", "Known idle seconds: bursts and gaps are left out.", "s"),
    Column("idle_gpu_hours", "number", "The same in GPU-hours.", "GPU-h"),
    Column("util_mean_percent", "number", "Mean utilization in the quiet minutes.", "%"),
    Column("memory_mean_mib", "number", "Mean memory held.", "MiB"),
    Column("power_mean_watts", "number", "Mean board power while idle.", "W"),
    Column("energy_kwh", "number", "What the idle boards drew at the wall.", "kWh"),
    Column("idle_cost", "money", "Whole cost; null where the hardware has no price.", "currency"),
    Column("owned_cost", "money", "Of it depreciation and maintenance.", "currency"),
    Column("avoidable_cost", "money", "Of it energy: what ending it saves.", "currency"),
    Column("currency", "text", "Currency of the costs."),
    Column("price_lacks", "text", "What to set before the cost is known."),
)
SHARED = "The window or its steps cut a stretch: its seconds and energy are shared by time."


class Idle(Report):
    """The report `idle`."""

    summary = "When did GPUs stand idle, who was in their memory, and what did it cost?"
    columns = (WINDOW_START, *IDENTITY, STATE, *STRETCH, *FIGURES)
    aggregates = (*FIELDS, "state", "label")
    filters = (*FIELDS, "state", "label")
    options = (ACCUMULATE, STEP)
    default_window = "7d"

    def run(self, query: Query, store: Store, estate: Estate) -> Table:
        """Answer with a row for each stretch, or for each group of them."""
        with store.read() as connection:
            known = fleet(connection, replace(query, filter=None), estate).values()
            cuts = cut_stretches(connection, query.window, step=step_length(query))
        by_uuid = {gpu.known.gpu.uuid: gpu for gpu in known}
        hours = owned_hours(estate, [gpu.known.gpu for gpu in known])
        tariff = tariff_of(estate.energy)
        parts = [
            _Part(gpu, cut, idle_cost(cut.stretch, hours[cut.stretch.gpu_uuid], tariff))
            for cut in cuts
            for gpu in [by_uuid[cut.stretch.gpu_uuid]]
            if _passes(query.filter, gpu, cut)
        ]
        return _table(query, parts)


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch, or what of it lies in a step, with its cost."""

    gpu: FleetGpu
    cut: CutStretch
    cost: IdleCost


def _passes(filter_: Filter | None, gpu: FleetGpu, cut: CutStretch) -> bool:
    fields = {**gpu.fields, "state": cut.stretch.state.value}
    return matches(filter_, getter(fields, gpu.labels))


def _table(query: Query, parts: Sequence[_Part]) -> Table:
    columns = (*group_columns(query), *_kind_columns(query), *FIGURES)
    groups: dict[Any, list[_Part]] = {}
    for part in parts:
        groups.setdefault(_key(query, part), []).append(part)
    rows = [_row(query, group) for group in groups.values()]
    shared = any(part.cut.shared for part in parts)
    by_currency: dict[str | None, list[_Part]] = {}
    for part in parts:
        by_currency.setdefault(part.cost.currency, []).append(part)
    return Table(
        columns=columns,
        rows=page(rows, query, *_order(query, columns)),
        total=[_figures(group) for group in by_currency.values()],
        total_rows=len(rows),
        status=DataStatus.ESTIMATED if shared else DataStatus.COMPLETE,
        notes=(*([SHARED] if shared else []), *_price_notes(parts)),
    )


def _kind_columns(query: Query) -> tuple[Column, ...]:
    """Give the columns beside those that name the GPU or the group."""
    if not query.aggregate:
        return (STATE, *STRETCH)
    return (STATE,) if "state" in query.aggregate else ()


def _order(query: Query, columns: Sequence[Column]) -> tuple[str, ...]:
    own = ("state",) if "state" in query.aggregate else () if query.aggregate else ("started_at",)
    return (*order_of(columns), *own)


def _key(query: Query, part: _Part) -> Any:
    """Say which parts make one row: each stretch its own, or all of a group in a step."""
    stretch = part.cut.stretch
    if not query.aggregate:
        return stretch.gpu_uuid, stretch.started_at
    state = stretch.state if "state" in query.aggregate else None
    return (*group_of(query, part.gpu).items(), state, _minute(query, part))


def _minute(query: Query, part: _Part) -> int:
    return step_of(query.window, part.cut.stretch.started_at, step_minutes(query))


def _row(query: Query, parts: Sequence[_Part]) -> dict[str, Any]:
    first = parts[0].cut.stretch
    told = {
        "state": first.state.value,
        "started_at": first.started_at,
        "ended_at": first.ended_at,
        "since": parts[0].cut.since,
    }
    return {
        **step_start(query, _minute(query, parts[0])),
        **group_of(query, parts[0].gpu),
        **{column.name: told[column.name] for column in _kind_columns(query)},
        **_figures(parts),
    }


def _figures(parts: Sequence[_Part]) -> dict[str, Any]:
    sums = join([part.cut.stretch for part in parts])
    cost = add_costs([part.cost for part in parts])
    return {
        "stretches": len({(p.cut.stretch.gpu_uuid, p.cut.since) for p in parts}),
        "idle_seconds": round(sums.idle_seconds),
        "idle_gpu_hours": round(sums.idle_seconds / 3600, 4),
        "util_mean_percent": mean(sums.util_percent_seconds, sums.util_seconds),
        "memory_mean_mib": mean(sums.memory_mib_seconds, sums.memory_seconds),
        "power_mean_watts": mean(sums.power_joules, sums.power_seconds),
        "energy_kwh": cost.energy_kwh,
        "idle_cost": cost.total,
        "owned_cost": cost.owned,
        "avoidable_cost": cost.avoidable,
        "currency": cost.currency,
        "price_lacks": named(cost.lacks) or None,
    }


def _price_notes(parts: Sequence[_Part]) -> list[str]:
    """Say what to set for the costs that are unknown, and what the known ones leave out."""
    if not parts:
        return []
    cost = add_costs([part.cost for part in parts])
    notes = [f"price unknown: set {named(cost.lacks)}"] if cost.lacks else []
    if cost.leaves_out:
        notes.append(f"idle_cost leaves out what is not known: {named(cost.leaves_out)}")
    return notes
