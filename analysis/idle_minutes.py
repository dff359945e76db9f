"""The readings of one GPU as columns, a row per minute, and the rule by which it counts as idle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

IDLE_SUMS = (
    "util_seconds",
    "util_percent_seconds",
    "memory_seconds",
    "memory_mib_seconds",
    "power_seconds",
    "power_joules",
)
"""The columns of `Minutes` that an idle stretch sums under the same names."""
_NAN = ("processes", "allocated")  # what is missing there is unknown, not a sum of nothing


@dataclass(frozen=True, slots=True)
class IdleRule:
    """When a GPU counts as idle. The defaults are judged on a real trace in docs/idle.md."""

    window_minutes: int = 60
    quiet_share: float = 0.9
    """Of the known seconds of the window, how many must be under 5 % utilization."""
    coverage: float = 0.8
    """Of the window, how much must be known at all."""
    power_tolerance: float = 0.15
    """How far above the card's idle baseline its power may be."""
    power_accuracy_watts: float = 5.0
    """nvidia-smi gives its power to within 5 W: no card can be held to less than that."""
    held_mib: float = 1024.0
    bridged_gap_minutes: int = 3
    """Minutes without data that a stretch may span; a longer gap ends it."""
    settled_minutes: int = 15
    """A state that lasts less is part of the state before it."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """Consecutive minutes of one GPU. A minute without data has 0 known seconds everywhere.

    The sums are those of `MinuteReading`. Rows of whole hours fit too, where only their sums
    matter.
    """

    first_minute: int
    """Minutes since 1970-01-01 UTC."""
    util_seconds: Floats
    util_percent_seconds: Floats
    busy_seconds: Floats
    memory_seconds: Floats
    memory_mib_seconds: Floats
    power_seconds: Floats
    power_joules: Floats
    processes: Floats
    """Most processes seen in the minute; NaN where nobody could tell."""
    allocated: Floats
    """1 where a scheduler had given the GPU to a job, 0 where not, NaN where nobody could tell."""

    def __len__(self) -> int:
        return len(self.util_seconds)

    def part(self, start: int, end: int) -> Minutes:
        """Give rows start to end."""
        columns = {f.name: getattr(self, f.name)[start:end] for f in fields(self)[1:]}
        return Minutes(self.first_minute + start, **columns)


def dense(minutes: NDArray[np.int64], columns: Mapping[str, Floats]) -> Minutes:
    """Lay sparse rows, rising by minute, on consecutive minutes. Columns not given are unknown."""
    first, length = int(minutes[0]), int(minutes[-1] - minutes[0]) + 1
    place = minutes - first
    laid: dict[str, Floats] = {}
    for field in fields(Minutes)[1:]:
        laid[field.name] = np.full(length, np.nan if field.name in _NAN else 0.0)
        if field.name in columns:
            laid[field.name][place] = columns[field.name]
    return Minutes(first, **laid)


def spells(
    minutes: NDArray[np.int64], columns: Mapping[str, Floats], *, longest_gap: int
) -> Iterator[Minutes]:
    """Lay sparse rows out, broken where more than `longest_gap` minutes are missing.

    So a GPU that was away for a year does not take a year's memory.
    """
    breaks = np.flatnonzero(np.diff(minutes) > longest_gap) + 1
    for rows in np.split(np.arange(len(minutes)), breaks):
        if len(rows):
            yield dense(minutes[rows], {name: column[rows] for name, column in columns.items()})


def ratio(integral: Floats, seconds: Floats) -> Floats:
    """Give means over known seconds, NaN where there are none."""
    means: Floats = np.full(len(seconds), np.nan)
    np.divide(integral, seconds, out=means, where=seconds > 0)
    return means


def mean_mib(rows: Minutes) -> Floats:
    """Give the mean memory in use of each row, NaN where it is not known."""
    return ratio(rows.memory_mib_seconds, rows.memory_seconds)


def is_held(rows: Minutes, rule: IdleRule) -> Flags:
    """Tell where at least `held_mib` of memory was taken, or a process was there."""
    return (mean_mib(rows) >= rule.held_mib) | (rows.processes > 0)
