"""What the GPU reports share: which GPUs a question is about, and by what they are grouped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from reports.options import Option
from spendwatt.estate import Asset, Estate
from spendwatt.query import Query, getter, matches
from spendwatt.table import Column
from spendwatt.window import Window
from storage.queries.gpus import KnownGpu, gpus
from storage.steps import DAY, HOUR, MINUTE, number_of, start_of

FIELDS = ("gpu_uuid", "host", "gpu_name", "pool", "asset")
"""What GPUs can be grouped by and filtered on, beside labels."""

AGGREGATES = (*FIELDS, "label")
_NOT_OF_GPU = {"state", "tariff_band"}  # what some reports group by that belongs to no GPU

IDENTITY = (
    Column("gpu_uuid", "text", "The GPU: NVML's UUID, of a MIG slice with /GI/CI."),
    Column("host", "text", "The host that reported it last."),
    Column("gpu_name", "text", "Product name."),
    Column("gpu_index", "integer", "Its number on the host, as in nvidia-smi."),
    Column("pool", "text", "GPUs that can replace each other."),
    Column("asset", "text", "The [[assets]] entry that it belongs to."),
)

WINDOW_START = Column("window_start", "time", "First moment of the step; with accumulate=false.")

STEP = Option(
    "step",
    "text",
    "How long a step of accumulate=false is.",
    "hour",
    default="day",
    choices=("hour", "day"),
)


@dataclass(frozen=True, slots=True)
class FleetGpu:
    """A GPU with everything by which it can be asked for."""

    known: KnownGpu
    asset: Asset | None
    labels: Mapping[str, str]

    @property
    def fields(self) -> dict[str, str | None]:
        """Give the values of `FIELDS`."""
        gpu = self.known.gpu
        return {
            "gpu_uuid": gpu.uuid,
            "host": gpu.host,
            "gpu_name": gpu.name,
            "pool": self.known.pool,
            "asset": self.asset.name if self.asset else None,
        }

    def value(self, name: str) -> str | None:
        """Give the value of a field or of `label:NAME`."""
        kind, _, key = name.partition(":")
        return self.labels.get(key) if kind == "label" else self.fields[name]


def fleet(connection: Connection, query: Query, estate: Estate) -> dict[int, FleetGpu]:
    """Give the GPUs that the query's filter lets through, by id."""
    found = {}
    for known in gpus(connection):
        gpu = known.gpu
        asset = estate.asset_of(host=gpu.host, gpu_uuid=gpu.uuid)
        whole = FleetGpu(known, asset, {})
        whole = FleetGpu(known, asset, _labels(whole.fields, estate))
        if matches(query.filter, getter(whole.fields, whole.labels)):
            found[known.gpu_id] = whole
    return found


def group_of(query: Query, gpu: FleetGpu) -> dict[str, Any]:
    """Give the columns that name the row to which a GPU belongs: its own, or its group's."""
    if query.aggregate:
        return {name: gpu.value(name) for name in query.aggregate if name not in _NOT_OF_GPU}
    known = {**gpu.fields, "gpu_index": gpu.known.gpu.index}
    return {column.name: known[column.name] for column in IDENTITY}


def group_columns(query: Query) -> tuple[Column, ...]:
    """Give the columns of `group_of`, after `window_start` where the query asks for steps."""
    steps = () if query.accumulate else (WINDOW_START,)
    if not query.aggregate:
        return (*steps, *IDENTITY)
    known = {column.name: column for column in IDENTITY}
    named = (
        known.get(name, Column(name, "text", f"The GPU's {name.partition(':')[2] or name}."))
        for name in query.aggregate
        if name not in _NOT_OF_GPU
    )
    return (*steps, *named)


def order_of(columns: Sequence[Column]) -> tuple[str, ...]:
    """Give the order of rows where none is asked for: by time, then by what names them."""
    shown = [column.name for column in columns]
    first = [name for name in ("window_start", "host", "gpu_index") if name in shown]
    naming = [name for name in shown if name in FIELDS or name.startswith("label:")]
    return tuple(dict.fromkeys(first + naming))


def step_length(query: Query) -> timedelta | None:
    """Give how long a step is; None where the window is one step."""
    if query.accumulate:
        return None
    return HOUR if (query.options or {}).get("step") == "hour" else DAY


def step_minutes(query: Query) -> int | None:
    """Give how many minutes a step has; None where the window is one step."""
    length = step_length(query)
    return None if length is None else length // MINUTE


def step_start(query: Query, minute: int) -> dict[str, datetime]:
    """Give the `window_start` of the step that begins at a minute; nothing for a whole window."""
    return {} if query.accumulate else {"window_start": start_of(minute, MINUTE)}


def step_of(window: Window, moment: datetime, minutes: int | None) -> int:
    """Give the first minute of the step of the window in which a moment lies."""
    first = -(-int(window.start.timestamp()) // 60)
    if minutes is None:
        return first
    return max(first, number_of(moment, MINUTE) // minutes * minutes)


def mean(integral: float, seconds: float, *, places: int = 2) -> float | None:
    """Give a mean over known seconds; None where nothing is known."""
    return round(integral / seconds, places) if seconds > 0 else None


def _labels(fields: Mapping[str, str | None], estate: Estate) -> dict[str, str]:
    """Give the labels that the rules give to a GPU: of each label the first rule that matches."""
    labels: dict[str, str] = {}
    get: Callable[[str, str | None], str | None] = getter(fields, {})
    for rule in estate.label_rules:
        if rule.value is not None and rule.label not in labels and matches(rule.filter, get):
            labels[rule.label] = rule.value
    return labels
