"""What energy GPUs took, on their boards and at the wall, and what that cost by the tariff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from analysis.energy_cost import (
    Tariff,
    energy_cost,
    known_sum,
    kwh,
    overhead_joules,
    tariff_of,
    wall_joules,
)
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
    order_of,
    step_minutes,
    step_of,
    step_start,
)
from spendwatt.estate import Estate, TariffBand
from spendwatt.query import Query
from spendwatt.table import Column, DataStatus, Table
from storage.engine import Store
from storage.queries.gpu_sums import Sums, gpu_sums
from storage.steps import MINUTE, start_of

BAND = Column("tariff_band", "text", "Band of the tariff in which it was used.")
FIGURES = (
    Column("gpus", "integer", "GPUs that the row counts."),
    Column("board_energy_kwh", "number", "Used by the GPU boards; null is unknown.", "kWh"),
    Column(
        "host_overhead_kwh", "number", "Used by their hosts beside them; null is unknown.", "kWh"
    ),
    Column("wall_energy_kwh", "number", "Both, times the building's PUE.", "kWh"),
    Column("board_energy_cost", "money", "What the boards' energy cost.", "currency"),
    Column("wall_energy_cost", "money", "What the energy at the wall cost.", "currency"),
    Column("currency", "text", "Currency of the costs."),
    Column(
        "energy_source_seconds",
        "object",
        "Time whose energy the device's counter told, that was integrated, that nobody knows.",
        "s",
    ),
)
NO_PRICE = "price unknown: set energy.price_per_kwh"
GAPS = "Energy is unknown for {hours:.1f} GPU-hours of the window: the sums leave them out."
NO_HOSTS = "wall energy leaves out the hosts"
SHORTEST_GAP_HOURS = 0.1
CUT_HOUR = "The window or the tariff cuts an hour whose minutes are gone: it is shared by time."


class Energy(Report):
    """The report `energy`."""

    summary = "What energy did GPUs take, on their boards and at the wall, and what did it cost?"
    columns = (WINDOW_START, *IDENTITY, BAND, *FIGURES)
    aggregates = (*FIELDS, "tariff_band", "label")
    filters = (*FIELDS, "label")
    options = (ACCUMULATE, STEP)
    default_window = "7d"

    def run(self, query: Query, store: Store, estate: Estate) -> Table:
        """Answer for every GPU that was read in the window."""
        tariff = tariff_of(estate.energy)
        with store.read() as connection:
            everything = fleet(connection, replace(query, filter=None), estate).values()
            chosen = fleet(connection, query, estate)
            read = [
                (band, gpu_sums(connection, window, step_minutes=step_minutes(query)))
                for band, window in tariff.runs(query.window)
            ]
        of_asset = Counter(gpu.asset.name for gpu in everything if gpu.asset)
        groups: dict[Key, _Group] = {}
        for band, sums in read:
            for (gpu_id, minute), part in sums.rows.items():
                if gpu_id in chosen:
                    key = _key(query, chosen[gpu_id], minute, band)
                    groups.setdefault(key, _Group()).take(chosen[gpu_id], band, part, of_asset)
        rows = [_row(query, key, group, tariff) for key, group in groups.items()]
        return _table(query, rows, groups.values(), tariff, cut=any(s.estimated for _, s in read))


Key = tuple[tuple[tuple[str, Any], ...], int, str | None]


@dataclass(slots=True)
class _Group:
    """What a row sums."""

    gpus: dict[str, FleetGpu] = field(default_factory=dict)
    read: Sums = field(default_factory=Sums)
    board: dict[TariffBand | None, int] = field(default_factory=dict)
    """Joules by band."""
    overhead: dict[TariffBand | None, Fraction] = field(default_factory=dict)
    """Joules by band, of the hosts whose overhead is configured."""

    def take(
        self, gpu: FleetGpu, band: TariffBand | None, read: Sums, of_asset: Mapping[str, int]
    ) -> None:
        """Add what a GPU used in a band. `of_asset`: the number of GPUs of each asset."""
        self.gpus[gpu.known.gpu.uuid] = gpu
        self.read.add(read)
        self.board[band] = self.board.get(band, 0) + read.energy_joules
        if gpu.asset is not None and gpu.asset.host_overhead_watts is not None:
            watts, gpus = gpu.asset.host_overhead_watts, of_asset[gpu.asset.name]
            share = overhead_joules(watts, gpus, read["covered_seconds"])
            self.overhead[band] = self.overhead.get(band, Fraction(0)) + share


def _key(query: Query, gpu: FleetGpu, minute: int, band: TariffBand | None) -> Key:
    names = group_of(query, gpu)
    name = band.name if band and BAND.name in query.aggregate else None
    step = step_of(query.window, start_of(minute, MINUTE), step_minutes(query))
    return tuple(names.items()), step, name


def _row(query: Query, key: Key, group: _Group, tariff: Tariff) -> dict[str, Any]:
    names, minute, band = key
    shown = {BAND.name: band} if BAND.name in query.aggregate else {}
    return {**step_start(query, minute), **dict(names), **shown, **_figures(group, tariff)}


def _figures(group: _Group, tariff: Tariff) -> dict[str, Any]:
    known = group.read.energy_seconds > 0
    pue = tariff.energy.pue
    wall = {
        band: wall_joules(joules, group.overhead.get(band, 0), pue)
        for band, joules in group.board.items()
    }
    return {
        "gpus": len(group.gpus),
        "board_energy_kwh": kwh(group.read.energy_joules) if known else None,
        "host_overhead_kwh": kwh(sum(group.overhead.values())) if group.overhead else None,
        "wall_energy_kwh": kwh(sum(wall.values())) if known else None,
        "board_energy_cost": _cost(group.board) if known else None,
        "wall_energy_cost": _cost(wall) if known else None,
        "currency": tariff.currency,
        "energy_source_seconds": {
            "counter": group.read["energy_counter_seconds"],
            "integrated": group.read["energy_integrated_seconds"],
            "gap": group.read["energy_gap_seconds"],
        },
    }


def _cost(joules: Mapping[TariffBand | None, Fraction | int]) -> Decimal | None:
    return known_sum([energy_cost(amount, band) for band, amount in joules.items()])


def _table(
    query: Query,
    rows: list[dict[str, Any]],
    groups: Collection[_Group],
    tariff: Tariff,
    *,
    cut: bool,
) -> Table:
    band = (BAND,) if BAND.name in query.aggregate else ()
    columns = (*group_columns(query), *band, *FIGURES)
    notes = _notes(groups, tariff)
    return Table(
        columns=columns,
        rows=page(rows, query, *order_of(columns), *(column.name for column in band)),
        total=[_total(rows, groups)] if rows else [],
        total_rows=len(rows),
        status=DataStatus.ESTIMATED if cut else DataStatus.COMPLETE,
        notes=(*([CUT_HOUR] if cut else []), *notes),
    )


def _total(rows: Sequence[Mapping[str, Any]], groups: Collection[_Group]) -> dict[str, Any]:
    """Sum the rows as they are shown, so that they add up to the total."""
    sums = {
        name: _sum_of_known([row[name] for row in rows])
        for name in (column.name for column in FIGURES if column.kind in {"number", "money"})
    }
    sources = [row["energy_source_seconds"] for row in rows]
    return {
        "gpus": len({uuid for group in groups for uuid in group.gpus}),
        **sums,
        "currency": rows[0]["currency"],
        "energy_source_seconds": {
            name: sum(source[name] for source in sources) for name in sources[0]
        },
    }


def _sum_of_known(amounts: Sequence[Decimal | None]) -> Decimal | None:
    """Add what is known; the notes say how much is not."""
    return known_sum([amount for amount in amounts if amount is not None])


def _notes(groups: Collection[_Group], tariff: Tariff) -> list[str]:
    gpus = {uuid: gpu for group in groups for uuid, gpu in group.gpus.items()}
    unset = {g.asset.name for g in gpus.values() if g.asset and g.asset.host_overhead_watts is None}
    gap = sum(group.read["energy_gap_seconds"] for group in groups) / 3600
    notes = [NO_PRICE] if gpus and tariff.currency is None else []
    notes += [f"{NO_HOSTS}: set assets.{name}.host_overhead_watts" for name in sorted(unset)]
    if any(gpu.asset is None for gpu in gpus.values()):
        notes.append(f"{NO_HOSTS} of GPUs without an [[assets]] entry")
    return notes + ([GAPS.format(hours=gap)] if gap >= SHORTEST_GAP_HOURS else [])
