"""Folds the samples of one GPU into a row per minute.

A sample speaks for the time until the next one, if that comes within three sampling steps, else
for one step. Time is counted in whole microseconds and cut exactly at the minutes' borders.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from collectors.gpu.energy import SECOND, Energy, Known, Sample, energy_between, is_close
from spendwatt.records import Gpu, MinuteReading

MINUTE = 60 * SECOND
BUSY_PERCENT = 5.0
"""From this utilization on a GPU counts as busy."""

LONGEST_SPAN = 31 * 24 * 60 * MINUTE
"""Beyond this silence nothing is said of the time between, not even that nobody knows."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Give an aware moment as whole microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


class Mark(NamedTuple):
    """Where an earlier run stopped: the end of its last minute, and the energy counter there."""

    at: int
    """Microseconds since 1970, UTC."""
    counter_joules: float | None


class Fold:
    """The open minute of one GPU. `gpu` may be replaced by one of which more is known."""

    def __init__(self, gpu: Gpu, *, step: timedelta, since: Mark | None = None) -> None:
        self.gpu = gpu
        self.step = step // _MICROSECOND
        self._minute: _Minute | None = None
        self._last = (
            None if since is None else Sample(since.at, counter_joules=since.counter_joules)
        )
        self._speaks = False  # the mark of an earlier run tells energy, but no utilization

    def follows(self, at: int) -> bool:
        """Tell whether a sample of that moment comes after all that were added."""
        return self._last is None or at > self._last.at

    def add(self, sample: Sample) -> list[MinuteReading]:
        """Take one sample, and give the minutes that it completes.

        Raises ValueError for one that is not later than the last.
        """
        if not self.follows(sample.at):
            raise ValueError("samples must come in the order of time")
        done = [] if self._last is None else self._fill(self._last, sample)
        self._last, self._speaks = sample, True
        return done

    def finish(self) -> list[MinuteReading]:
        """Give what is left: the last sample speaks for one more step, whose energy is unknown."""
        if self._last is None or not self._speaks:
            return []
        done = self._fill(self._last, Sample(self._last.at + self.step))
        self._last = None
        return done + self._close(None)

    def _fill(self, earlier: Sample, later: Sample) -> list[MinuteReading]:
        """Lay the time between two samples into its minutes; give those that are full."""
        span = later.at - earlier.at
        heard = self._speaks * (span if is_close(span, self.step) else self.step)
        if span > LONGEST_SPAN:
            rest = self._lay(earlier, Energy(Known.GAP, earlier.at), heard, heard)
            return rest + self._close(None)
        limit = self.gpu.power_limit_watts
        energy = energy_between(earlier, later, step=self.step, limit_watts=limit)
        return self._lay(earlier, energy, span, heard)

    def _lay(self, sample: Sample, energy: Energy, span: int, heard: int) -> list[MinuteReading]:
        done: list[MinuteReading] = []
        start, end = sample.at, sample.at + span
        while start < end:
            border = start - start % MINUTE + MINUTE
            stop = min(border, end)
            if self._minute is None:
                self._minute = _Minute(border - MINUTE)
            if start < sample.at + heard:
                self._minute.hear(sample, min(stop, sample.at + heard) - start)
            if start == sample.at:
                self._minute.xids += sample.xids
            self._minute.use(energy, start, stop)
            if stop == border:
                done += self._close(_counter_at(border, sample, energy))
            start = stop
        return done

    def _close(self, counter_joules: float | None) -> list[MinuteReading]:
        minute, self._minute = self._minute, None
        return [] if minute is None else [minute.reading(self.gpu, counter_joules)]


def _counter_at(border: int, sample: Sample, energy: Energy) -> float | None:
    if energy.known is not Known.COUNTER or sample.counter_joules is None:
        return None
    return sample.counter_joules + energy.joules(sample.at, border)


class _Minute:
    """Sums of one minute, times in microseconds."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.covered = 0
        self.util = self.busy = self.memory = 0
        self.util_percent = self.memory_mib = 0.0
        self.joules = dict.fromkeys(Known, 0.0)
        self.energy = dict.fromkeys(Known, 0)
        self.util_max: float | None = None
        self.memory_max: float | None = None
        self.power_max: float | None = None
        self.temperature_max: float | None = None
        self.clock_max: float | None = None
        self.processes_max: int | None = None
        self.clocks_event_reasons = 0
        self.xids: tuple[int, ...] = ()

    def hear(self, sample: Sample, length: int) -> None:
        """Let a sample speak for some of the minute."""
        self.covered += length
        if sample.util_percent is not None:
            self.util += length
            self.util_percent += sample.util_percent * length
            self.busy += length * (sample.util_percent >= BUSY_PERCENT)
        if sample.memory_used_mib is not None:
            self.memory += length
            self.memory_mib += sample.memory_used_mib * length
        self.util_max = _larger(self.util_max, sample.util_percent)
        self.memory_max = _larger(self.memory_max, sample.memory_used_mib)
        self.power_max = _larger(self.power_max, sample.power_watts)
        self.temperature_max = _larger(self.temperature_max, sample.temperature_celsius)
        self.clock_max = _larger(self.clock_max, sample.sm_clock_mhz)
        self.processes_max = _larger(self.processes_max, sample.processes)
        self.clocks_event_reasons |= sample.clocks_event_reasons

    def use(self, energy: Energy, start: int, stop: int) -> None:
        """Count the energy of some of the minute."""
        self.joules[energy.known] += energy.joules(start, stop)
        self.energy[energy.known] += stop - start

    def reading(self, gpu: Gpu, counter_joules: float | None) -> MinuteReading:
        """Give the minute as a record."""
        return MinuteReading(
            gpu=gpu,
            minute_at=_EPOCH + self.at * _MICROSECOND,
            covered_seconds=self.covered / SECOND,
            util_seconds=self.util / SECOND,
            util_percent_seconds=self.util_percent / SECOND,
            util_max_percent=self.util_max,
            busy_seconds=self.busy / SECOND,
            memory_seconds=self.memory / SECOND,
            memory_mib_seconds=self.memory_mib / SECOND,
            memory_max_mib=self.memory_max,
            energy_counter_joules=self.joules[Known.COUNTER],
            energy_counter_seconds=self.energy[Known.COUNTER] / SECOND,
            energy_integrated_joules=self.joules[Known.INTEGRATED],
            energy_integrated_seconds=self.energy[Known.INTEGRATED] / SECOND,
            energy_gap_seconds=self.energy[Known.GAP] / SECOND,
            counter_joules_at_end=counter_joules,
            power_max_watts=self.power_max,
            temperature_max_celsius=self.temperature_max,
            sm_clock_max_mhz=self.clock_max,
            clocks_event_reasons=self.clocks_event_reasons,
            processes_max=self.processes_max,
            xids=self.xids,
        )


def _larger(most: Any, value: Any) -> Any:
    if value is None or (most is not None and most >= value):
        return most
    return value
