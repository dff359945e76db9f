"""Gathers the GPUs that stand idle now by host and state, with what it cost so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from analysis.energy_cost import tariff_of
from analysis.idle_cost import IdleCost, add_costs, idle_cost, owned_hours
from analysis.inputs import Inputs
from spendwatt.records import Gpu, GpuState, IdleStretch

UNKNOWN_HOST = "unknown"

STILL = timedelta(minutes=10)
"""A burst at the very end may yet turn out to be bridged: so long a stretch counts as lasting."""
SILENT = timedelta(hours=2)
"""A GPU that was not heard of for longer opens nothing, but keeps open what it was part of."""


@dataclass(frozen=True, slots=True)
class Group:
    """GPUs of one host that stand idle in one state. A mean is None where nothing is known."""

    host: str
    state: GpuState
    gpus: tuple[Gpu, ...]
    """In the order of their numbers."""
    stretches: tuple[IdleStretch, ...]
    """The present one of each."""
    cost: IdleCost
    """So far, of all."""
    seen_until: datetime
    """When the first of them was heard of last."""
    is_silent: bool
    """That is long ago: whether it is still so, nobody knows."""

    @property
    def since(self) -> datetime:
        """Give when the first of them fell idle."""
        return min(stretch.started_at for stretch in self.stretches)

    @property
    def latest(self) -> datetime:
        """Give when the last of them fell idle."""
        return max(stretch.started_at for stretch in self.stretches)

    @property
    def fell_together(self) -> bool:
        """Tell whether all of them fell idle within an hour."""
        return self.latest - self.since <= timedelta(hours=1)

    @property
    def hours(self) -> float:
        """Give how long the longest of them has been idle."""
        return (max(s.ended_at for s in self.stretches) - self.since) / timedelta(hours=1)

    @property
    def hourly(self) -> Decimal | None:
        """Give the whole cost of a GPU-hour, to a millionth; None where the price is unknown."""
        if self.cost.total is None or not self.cost.gpu_hours:
            return None
        return (self.cost.total / self.cost.gpu_hours).quantize(Decimal("0.000001"))

    @property
    def util_percent(self) -> float | None:
        """Give the mean utilization of the quiet minutes."""
        return self._mean("util_percent_seconds", "util_seconds")

    @property
    def memory_mib(self) -> float | None:
        """Give the mean memory held per GPU."""
        return self._mean("memory_mib_seconds", "memory_seconds")

    @property
    def watts(self) -> float | None:
        """Give the mean board power per GPU."""
        return self._mean("power_joules", "power_seconds")

    def _mean(self, integral: str, seconds: str) -> float | None:
        known: float = sum(getattr(stretch, seconds) for stretch in self.stretches)
        total: float = sum(getattr(stretch, integral) for stretch in self.stretches)
        return total / known if known else None


def groups(inputs: Inputs, at_least: timedelta) -> list[Group]:
    """Give every group of GPUs that stands idle at `as_of`, each for so long at the least."""
    hours, tariff = owned_hours(inputs.estate, inputs.gpus), tariff_of(inputs.estate.energy)
    members: dict[tuple[str, GpuState], list[tuple[Gpu, IdleStretch]]] = {}
    for gpu, stretch in _present(inputs, at_least):
        key = gpu.host or UNKNOWN_HOST, stretch.state
        members.setdefault(key, []).append((gpu, stretch))
    return [
        Group(
            host=host,
            state=state,
            gpus=tuple(gpu for gpu, _ in found),
            stretches=tuple(stretch for _, stretch in found),
            cost=add_costs([idle_cost(s, hours[gpu.uuid], tariff) for gpu, s in found]),
            seen_until=min(_seen_until(inputs, gpu) for gpu, _ in found),
            is_silent=any(_is_silent(inputs, gpu) for gpu, _ in found),
        )
        for (host, state), found in sorted(members.items())
    ]


def _present(inputs: Inputs, at_least: timedelta) -> Iterator[tuple[Gpu, IdleStretch]]:
    """Give each GPU that was idle when it was last heard of, with its newest stretch."""
    newest = {stretch.gpu_uuid: stretch for stretch in _by_time(inputs.idle_stretches)}
    told = {uuid for f in inputs.open_findings for uuid in f.evidence.get("gpus", ())}
    for gpu in sorted(inputs.gpus, key=lambda gpu: (gpu.index is None, gpu.index, gpu.uuid)):
        stretch = newest.get(gpu.uuid)
        if stretch is None or stretch.ended_at < _seen_until(inputs, gpu) - STILL:
            continue
        if stretch.ended_at - stretch.started_at < at_least:
            continue
        if gpu.uuid in told or not _is_silent(inputs, gpu):
            yield gpu, stretch


def _by_time(stretches: Sequence[IdleStretch]) -> list[IdleStretch]:
    return sorted(stretches, key=lambda stretch: stretch.started_at)


def _seen_until(inputs: Inputs, gpu: Gpu) -> datetime:
    return min(inputs.gpu_read_until.get(gpu.uuid, inputs.as_of), inputs.as_of)


def _is_silent(inputs: Inputs, gpu: Gpu) -> bool:
    return _seen_until(inputs, gpu) < inputs.as_of - SILENT
