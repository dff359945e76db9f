"""Fills what single samples of a file lack, where samples close before and after tell it.

A row without its utilization says no more of it than a row that is missing, and over missing rows a
sample speaks until the next one, if that comes within three steps. Power runs evenly from one
reading to the next, as the energy between them is counted.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from collectors.gpu.energy import Sample, is_close

_HELD = ("util_percent", "memory_used_mib")
_EVEN = ("power_watts",)


class Holes:
    """The samples of one GPU, in order, on their way to be folded."""

    def __init__(self, step: timedelta) -> None:
        self._step = step // timedelta(microseconds=1)
        self._waiting: list[Sample] = []
        self._known: dict[str, Sample] = {}

    def take(self, sample: Sample) -> list[Sample]:
        """Take the next sample; give those that nothing later can complete."""
        self._waiting.append(sample)
        for name in (*_HELD, *_EVEN):
            if getattr(sample, name) is not None:
                self._fill(name, sample)
                self._known[name] = sample
        return self._release(sample.at)

    def rest(self) -> list[Sample]:
        """Give what is left at the end of the file, as it is."""
        rest, self._waiting = self._waiting, []
        return rest

    def _fill(self, name: str, later: Sample) -> None:
        """Fill the samples between the last that told the quantity and a later one that does."""
        earlier = self._known.get(name)
        if earlier is None or not is_close(later.at - earlier.at, self._step):
            return
        for place, sample in enumerate(self._waiting):
            if earlier.at < sample.at < later.at:
                filled: dict[str, Any] = {name: _between(name, earlier, later, sample.at)}
                self._waiting[place] = replace(sample, **filled)

    def _release(self, now: int) -> list[Sample]:
        open_from = [
            known.at
            for known in self._known.values()
            if known.at < now and is_close(now - known.at + 1, self._step)
        ]
        count = len(self._waiting)
        if open_from:
            count = sum(sample.at <= min(open_from) for sample in self._waiting)
        released, self._waiting = self._waiting[:count], self._waiting[count:]
        return released


def _between(name: str, earlier: Sample, later: Sample, at: int) -> float:
    first: float = getattr(earlier, name)
    if name in _HELD:
        return first
    last: float = getattr(later, name)
    return first + (last - first) * (at - earlier.at) / (later.at - earlier.at)
