"""Folds samples whose distance nobody told: each GPU's step is the median of its first ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from collectors.gpu.energy import Sample
from collectors.gpu.fold import Fold, microseconds
from collectors.gpu.holes import Holes
from collectors.gpu.reading_files import RowError
from spendwatt.records import Gpu, MinuteReading
from spendwatt.window import LATEST

_LEARN_FROM = 61
"""So many samples are held back until the step is known: files of any length fit into memory."""
_ALONE = timedelta(seconds=1)
"""For what a single sample speaks: nvidia-smi's values are means of up to a second."""


class Stepped:
    """The folds of all GPUs of a file. After `until` there can be no sample."""

    def __init__(self, until: datetime = LATEST) -> None:
        self._until = microseconds(until)
        self._waiting: dict[str, list[Sample]] = {}
        self._folds: dict[str, Fold] = {}
        self._holes: dict[str, Holes] = {}
        self._gpus: dict[str, Gpu] = {}
        self._last: dict[str, int] = {}

    def latest(self, uuid: str) -> int | None:
        """Give the moment of the GPU's last sample, in microseconds since 1970."""
        return self._last.get(uuid)

    def add(self, gpu: Gpu, sample: Sample) -> list[MinuteReading]:
        """Take a sample; give the minutes that it completes.

        Raises RowError for one that is not later than the GPU's last, or of an impossible time.
        """
        # Taken in, one row from the future would make all that follow too early.
        if sample.at > self._until:
            raise RowError("timestamp lies in the future")
        if sample.at < 0:
            raise RowError("timestamp is from before 1970")
        if sample.at <= self._last.get(gpu.uuid, sample.at - 1):
            raise RowError("is not later than the row before of the same GPU")
        self._gpus[gpu.uuid] = gpu
        self._last[gpu.uuid] = sample.at
        fold = self._folds.get(gpu.uuid)
        if fold is not None:
            fold.gpu = gpu
            return self._fold(gpu.uuid, [sample])
        waiting = self._waiting.setdefault(gpu.uuid, [])
        waiting.append(sample)
        return self._begin(gpu.uuid) if len(waiting) >= _LEARN_FROM else []

    def finish(self) -> Iterator[MinuteReading]:
        """Give what is left of every GPU."""
        for uuid in list(self._waiting):
            yield from self._begin(uuid)
        for uuid, fold in self._folds.items():
            for sample in self._holes[uuid].rest():
                yield from fold.add(sample)
            yield from fold.finish()

    def _begin(self, uuid: str) -> list[MinuteReading]:
        samples = self._waiting.pop(uuid)
        step = _step_of(samples)
        self._folds[uuid] = Fold(self._gpus[uuid], step=step)
        self._holes[uuid] = Holes(step)
        return self._fold(uuid, samples)

    def _fold(self, uuid: str, samples: list[Sample]) -> list[MinuteReading]:
        fold, holes = self._folds[uuid], self._holes[uuid]
        whole = (known for sample in samples for known in holes.take(sample))
        return [minute for known in whole for minute in fold.add(known)]


def _step_of(samples: list[Sample]) -> timedelta:
    gaps = [later.at - earlier.at for earlier, later in pairwise(samples)]
    return timedelta(microseconds=median(gaps)) if gaps else _ALONE
