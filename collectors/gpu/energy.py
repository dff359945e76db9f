"""How much energy a board took between two samples, and how that is known.

The device's own counter comes first: it also tells what was used while nobody looked. Where it
was reset, or cannot be right, the power readings are integrated, but only between samples that lie
close together. What neither tells is a gap, and stays one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

SECOND = 1_000_000
"""Microseconds in a second: moments are whole microseconds since 1970, so that spans are exact."""

_CLOSE_STEPS = 3
# Values are means of up to a second: at faster sampling a short stall loses nothing.
_SHORTEST_STEP = SECOND

_COUNTER_TOLERANCE = 1.2
# The counter advances about ten times a second, by all that was used since.
_COUNTER_REFRESH_SECONDS = 0.1
# No board draws more; stands in where a device does not tell its limit.
_LARGEST_LIMIT_WATTS = 3_000.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What one look at a GPU told. What the device cannot tell is None."""

    at: int
    """Microseconds since 1970, UTC."""
    util_percent: float | None = None
    memory_used_mib: float | None = None
    power_watts: float | None = None
    counter_joules: float | None = None
    """Total energy since the driver was loaded."""
    temperature_celsius: float | None = None
    sm_clock_mhz: float | None = None
    clocks_event_reasons: int = 0
    """NVML's clocks event reasons, as a bit mask."""
    processes: int | None = None
    xids: tuple[int, ...] = ()


class Known(Enum):
    """How the energy of a span is known."""

    COUNTER = "counter"
    INTEGRATED = "integrated"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Energy:
    """The energy between two samples, as a power that changes evenly from the first to the last.

    So each part of the span has its share, and the parts sum to the whole. A gap has none:
    nothing is guessed.
    """

    known: Known
    since: int
    watts: float = 0.0
    """At `since`."""
    watts_per_microsecond: float = 0.0

    def joules(self, start: int, end: int) -> float:
        """Give the energy of the part [start, end) of the span, in joules."""
        middle = (start + end) / 2 - self.since
        return (self.watts + self.watts_per_microsecond * middle) * (end - start) / SECOND


def is_close(span: int, step: int) -> bool:
    """Tell whether samples so far apart speak for the time between them: at most three steps."""
    return span <= _CLOSE_STEPS * max(step, _SHORTEST_STEP)


def energy_between(
    earlier: Sample, later: Sample, *, step: int, limit_watts: float | None = None
) -> Energy:
    """Judge what two samples tell of the time between them.

    `step` is the usual distance of samples in microseconds, `limit_watts` the board's power limit.
    """
    span = later.at - earlier.at
    counted = counted_joules(earlier, later, limit_watts)
    if counted is not None:
        # When within the span it was used the counter does not say: evenly adds no invention.
        return Energy(Known.COUNTER, earlier.at, counted * SECOND / span)
    first, last = earlier.power_watts, later.power_watts
    if first is not None and last is not None and is_close(span, step):
        return Energy(Known.INTEGRATED, earlier.at, first, (last - first) / span)
    return Energy(Known.GAP, earlier.at)


def counted_joules(earlier: Sample, later: Sample, limit_watts: float | None) -> float | None:
    """Give what the counter advanced by; None where it is missing, was reset or cannot be right."""
    if earlier.counter_joules is None or later.counter_joules is None:
        return None
    joules = later.counter_joules - earlier.counter_joules
    if joules == 0 and later.at - earlier.at >= SECOND:
        return None  # it stands still, and no board that answers draws nothing
    seconds = (later.at - earlier.at) / SECOND + _COUNTER_REFRESH_SECONDS
    most = (limit_watts or _LARGEST_LIMIT_WATTS) * seconds * _COUNTER_TOLERANCE
    return joules if 0 <= joules <= most else None
