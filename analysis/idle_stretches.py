"""Finds when a GPU stood idle, and how: pure functions on the minutes of one GPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis.idle_minutes import IDLE_SUMS, Flags, Floats, IdleRule, Minutes, is_held
from analysis.idle_power import NOTHING_LEARNED, IdlePower, draws_idle_power, learn
from spendwatt.records import GpuState, IdleStretch

Codes = NDArray[np.int8]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 24 * 60
_ROUNDING = 1e-6  # seconds: a sum of floats may miss a limit that it meets exactly
_STATES = tuple(GpuState)
_EMPTY, _HELD, _UNCLAIMED, _ORPHAN = (
    _STATES.index(state)
    for state in (
        GpuState.IDLE_EMPTY,
        GpuState.IDLE_HELD,
        GpuState.ALLOCATED_NO_PROCESS,
        GpuState.ORPHAN_MEMORY,
    )
)
_NOT_IDLE = -1


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of the card beside its minutes."""

    uuid: str
    idle_power: IdlePower = NOTHING_LEARNED
    """Learned from its past; what is missing is learned from the minutes at hand."""
    power_limit_watts: float | None = None


def stretches(
    card: Card, minutes: Minutes, rule: IdleRule | None = None, *, cut_days: bool = False
) -> list[IdleStretch]:
    """Give every idle stretch, in order of time; `cut_days` cuts them at UTC midnight."""
    rule = rule or IdleRule()
    quiet_seconds = _quiet_seconds(card, minutes, rule)
    quiet = _is_quiet(minutes.util_seconds, quiet_seconds, rule)
    idle = _trimmed(_without_gaps(_marked(minutes, quiet_seconds, rule), minutes, rule), quiet)
    codes = _codes(minutes, idle, rule)
    if cut_days:
        midnights = np.flatnonzero((minutes.first_minute + np.arange(len(minutes))) % _DAY == 0)
    else:
        midnights = np.zeros(0, dtype=np.int64)
    counted = np.where(quiet, quiet_seconds, 0.0)
    return [
        _stretch(card.uuid, _STATES[codes[start]], minutes.part(start, end), counted[start:end])
        for start, end in _runs(codes, midnights)
        if codes[start] != _NOT_IDLE
    ]


def _quiet_seconds(card: Card, minutes: Minutes, rule: IdleRule) -> Floats:
    """Count the known seconds of each minute in which nothing, power included, speaks of work."""
    known = card.idle_power.or_else(learn(minutes, rule))
    agrees = draws_idle_power(minutes, rule, known, card.power_limit_watts)
    return np.where(agrees, minutes.util_seconds - minutes.busy_seconds, 0.0)


def _is_quiet(known: Floats, quiet: Floats, rule: IdleRule) -> Flags:
    return (known > 0) & (quiet >= rule.quiet_share * known - _ROUNDING)


def _marked(minutes: Minutes, quiet_seconds: Floats, rule: IdleRule) -> Flags:
    """Mark every minute of every window that is known well enough and quiet enough.

    Windows slide by a minute and may reach over both ends, where nothing is known.
    """
    size, length = rule.window_minutes, len(minutes)
    known = _window_sums(minutes.util_seconds, size)
    quiet = _window_sums(quiet_seconds, size)
    qualifies = (known >= rule.coverage * size * 60 - _ROUNDING) & _is_quiet(known, quiet, rule)
    # Window i holds the minutes i - size + 1 to i: a minute is in `size` windows.
    return _window_sums(qualifies.astype(float), size)[size - 1 : size - 1 + length] > 0.5


def _window_sums(values: Floats, size: int) -> Floats:
    """Sum each window of `size` rows that touches the values: size - 1 more than there are."""
    running = np.cumsum(np.concatenate([np.zeros(size), values, np.zeros(size - 1)]))
    sums: Floats = running[size:] - running[:-size]
    return sums


def _without_gaps(marked: Flags, minutes: Minutes, rule: IdleRule) -> Flags:
    """Take out the gaps that are too long to be bridged: missing data is never idle."""
    idle = marked.copy()
    missing = (minutes.util_seconds <= 0).astype(np.int8)
    for start, end in _runs(missing):
        if missing[start] and end - start > rule.bridged_gap_minutes:
            idle[start:end] = False
    return idle


def _trimmed(idle: Flags, quiet: Flags) -> Flags:
    """Let each stretch begin and end with a quiet minute."""
    trimmed = np.zeros_like(idle)
    for start, end in _runs(idle.astype(np.int8)):
        inside = np.flatnonzero(quiet[start:end])
        if idle[start] and len(inside):
            trimmed[start + inside[0] : start + inside[-1] + 1] = True
    return trimmed


def _codes(minutes: Minutes, idle: Flags, rule: IdleRule) -> Codes:
    """Give each idle minute its state's place in `_STATES`, settled within its stretch."""
    codes = np.full(len(minutes), _NOT_IDLE, dtype=np.int8)
    told = np.select(
        [
            (minutes.allocated == 1) & (minutes.processes == 0) & ~is_held(minutes, rule),
            is_held(minutes, rule) & (minutes.processes == 0),
            is_held(minutes, rule),
            (minutes.memory_seconds > 0) | (minutes.processes == 0),
        ],
        [_UNCLAIMED, _ORPHAN, _HELD, _EMPTY],
        default=_NOT_IDLE,
    ).astype(np.int8)
    for start, end in _runs(idle.astype(np.int8)):
        if idle[start]:
            codes[start:end] = _settled(told[start:end], rule.settled_minutes)
    return codes


def _settled(told: Codes, shortest: int) -> Codes:
    """Let states that last less than `shortest` minutes, or are not known, join their neighbour."""
    lasting = np.zeros(len(told), dtype=bool)
    for start, end in _runs(told):
        lasting[start:end] = told[start] != _NOT_IDLE and end - start >= shortest
    if not lasting.any():
        known = told[told != _NOT_IDLE]
        usual = np.bincount(known).argmax() if len(known) else _EMPTY
        return np.full(len(told), usual, dtype=np.int8)
    before = np.maximum.accumulate(np.where(lasting, np.arange(len(told)), -1))
    return told[np.where(before < 0, np.argmax(lasting), before)]


def _runs(values: Codes, cuts: NDArray[np.int64] | None = None) -> Iterator[tuple[int, int]]:
    """Give the [start, end) of each run of equal values, also ended at `cuts`."""
    breaks = np.flatnonzero(np.diff(values)) + 1
    if cuts is not None:
        breaks = np.union1d(breaks, cuts[cuts > 0])
    edges = [0, *breaks.tolist(), len(values)]
    return ((start, end) for start, end in pairwise(edges) if end > start)


def _stretch(uuid: str, state: GpuState, inside: Minutes, idle_seconds: Floats) -> IdleStretch:
    counted = idle_seconds > 0
    sums = {name: float(getattr(inside, name)[counted].sum()) for name in IDLE_SUMS}
    return IdleStretch(
        gpu_uuid=uuid,
        state=state,
        started_at=_moment(inside.first_minute),
        ended_at=_moment(inside.first_minute + len(inside)),
        idle_seconds=float(idle_seconds.sum()),
        **sums,
    )


def _moment(minute: int) -> datetime:
    return _EPOCH + timedelta(minutes=minute)
