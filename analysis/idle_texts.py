"""Writes what a reader should know of idle GPUs: who, where, since when, how much, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from analysis.idle_cost import named
from analysis.idle_groups import UNKNOWN_HOST, Group
from spendwatt.records import Gpu, GpuState
from spendwatt.texts import moment_text, money_text, span_text

_UTC = ZoneInfo("UTC")
_MIB_PER_GIB = 1024

_HOW = {
    GpuState.IDLE_EMPTY: "empty",
    GpuState.IDLE_HELD: "held",
    GpuState.ALLOCATED_NO_PROCESS: "allocated without a process",
    GpuState.ORPHAN_MEMORY: "blocked by memory of no process",
}
_DO = {
    GpuState.IDLE_EMPTY: "Give {gpus} of {host} work, or switch them off.",
    GpuState.IDLE_HELD: "Find who holds {gpus} of {host} (`nvidia-smi` there lists the processes),"
    " and ask them to end the job or to use it.",
    GpuState.ALLOCATED_NO_PROCESS: "Cancel the job that {gpus} of {host} are allocated to: nothing"
    " of it runs there.",
    GpuState.ORPHAN_MEMORY: "Look on {host} for a process that {gpus} do not show (`fuser -v"
    " /dev/nvidia*`); if there is none, reset them.",
}


def title(group: Group) -> str:
    """Write one line: `Idle: 4 x H100 held 22 h on node-a03, GPUs 0-3`."""
    lasting = span_text(timedelta(hours=group.hours))
    lasting = lasting if group.fell_together else f"up to {lasting}"
    what = f"{len(group.gpus)} x {models(group.gpus)} {_HOW[group.state]} {lasting}"
    numbers = gpu_numbers(group.gpus)
    return f"Idle: {what} on {_host(group)}" + (f", {numbers}" if numbers else "")


def detail(group: Group) -> str:
    """Write since when, by what signs, and what it cost."""
    return "\n".join([_since(group), _signs(group), _cost(group)])


def next_step(group: Group) -> str:
    """Write what to do about it, and what to set before its cost is known."""
    numbers = gpu_numbers(group.gpus) or _counted(len(group.gpus))
    return _DO[group.state].format(gpus=numbers, host=_host(group))


def _counted(gpus: int) -> str:
    return "the GPU" if gpus == 1 else f"the {gpus} GPUs"


def models(gpus: Sequence[Gpu]) -> str:
    """Name the GPUs' models, without the maker's name."""
    names = dict.fromkeys((gpu.name or "GPU").removeprefix("NVIDIA ") for gpu in gpus)
    return " and ".join(names)


def gpu_numbers(gpus: Sequence[Gpu]) -> str:
    """Write `GPU 3` or `GPUs 0-3, 6`; empty where the numbers are not known."""
    numbers = sorted({gpu.index for gpu in gpus if gpu.index is not None})
    if not numbers:
        return ""
    breaks = [i for i, (a, b) in enumerate(pairwise(numbers), start=1) if b != a + 1]
    starts = [numbers[i] for i in (0, *breaks)]
    ends = [numbers[i - 1] for i in (*breaks, len(numbers))]
    spans = [str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True)]
    return f"GPU{'s' if len(numbers) > 1 else ''} {', '.join(spans)}"


def _host(group: Group) -> str:
    return "an unknown host" if group.host == UNKNOWN_HOST else group.host


def _since(group: Group) -> str:
    text = f"Since {moment_text(group.since, _UTC)}"
    if not group.fell_together:
        text += f", the last of them since {moment_text(group.latest, _UTC)}"
    if group.is_silent:
        text += f". Not heard of since {moment_text(group.seen_until, _UTC)}: it may be over"
    return f"{text}."


def _signs(group: Group) -> str:
    signs = []
    if group.util_percent is not None:
        signs.append(f"utilization {group.util_percent:.1f} %")
    if group.memory_mib is not None:
        signs.append(f"{group.memory_mib / _MIB_PER_GIB:.1f} GiB in use per GPU")
    if group.watts is not None:
        signs.append(f"{group.watts:.0f} W")
    signs.append(f"{group.cost.gpu_hours:.1f} GPU-hours known to be idle")
    text = ", ".join(signs)
    return f"{text[0].upper()}{text[1:]}."


def _cost(group: Group) -> str:
    cost, currency = group.cost, group.cost.currency
    saved = (
        "" if cost.avoidable is None or currency is None else money_text(cost.avoidable, currency)
    )
    if cost.total is None or group.hourly is None or currency is None:
        text = f"{cost.gpu_hours:.1f} GPU-hours, price unknown: set {named(cost.lacks)}."
        return (
            f"{text} Ending it would have saved {saved} of electricity so far." if saved else text
        )
    hourly = money_text(group.hourly, currency)
    text = (
        f"Full cost so far {money_text(cost.total, currency)} "
        f"({cost.gpu_hours:.1f} GPU-h x {hourly})"
    )
    if saved:
        text += f"; of it {saved} is electricity, which ending it saves"
    if cost.leaves_out:
        text += f". Not counted, because not known: {named(cost.leaves_out)}"
    return f"{text}."
