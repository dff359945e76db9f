"""Watches the GPUs of this machine: samples them all, each within a deadline, folded to minutes.

A GPU that fails or hangs has an error of its own; the others go on. Imports nothing but the
standard library, pynvml and the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Event
from typing import TypeVar

from collectors.gpu.deadline import OverdueError, Worker
from collectors.gpu.energy import SECOND, Sample
from collectors.gpu.fold import Fold, Mark, microseconds
from collectors.gpu.nvml_boards import Board, Reading, XidEvents, start, stop
from collectors.gpu.nvml_errors import NvmlError, Reach
from spendwatt.errors import CollectError
from spendwatt.records import Gpu, MinuteReading

T = TypeVar("T")

_NVML = -1  # stands for the library where others are GPUs by index
_LOOK_AGAIN_PASSES = 30
_CLOCK_JUMP = 300 * SECOND
"""A clock set back by more than this starts a new time; by less, it is waited for."""


class Watch:
    """All GPUs of this machine. Opens NVML when first asked, and again where it was lost."""

    def __init__(
        self, *, host: str, step: timedelta, deadline: timedelta, clock: Callable[[], datetime]
    ) -> None:
        self.boards: dict[int, Board] = {}
        """Index -> a GPU that was found."""
        self.errors: dict[int, CollectError] = {}
        """Index -> why that GPU cannot be read at present."""
        self._host = host
        self._step = step
        self._deadline = deadline.total_seconds()
        self._clock = clock
        self._worker = Worker()
        self._stuck: dict[int, Event] = {}
        self._is_open = False
        self._events: XidEvents | None = None
        self._folds: dict[str, Fold] = {}
        self._marks: Mapping[str, Mark] = {}
        self._passes = 0

    def resume(self, marks: Mapping[str, Mark]) -> None:
        """Go on where an earlier run stopped: `marks` by UUID."""
        self._marks = marks

    def sample(self) -> list[MinuteReading]:
        """Sample every GPU, and give the minutes that this completes.

        Raises CollectError where NVML itself fails; what is wrong with one GPU stands in `errors`.
        """
        self.open()
        self._passes += 1
        if self._passes % _LOOK_AGAIN_PASSES == 0:
            self._look_again()
        xids = self._drain()
        readings = [one for index in list(self.boards) for one in self._read(index, xids)]
        return [minute for gpu, sample in readings for minute in self._fold(gpu, sample)]

    def open(self) -> None:
        """Find the GPUs, where that is not done. Raises CollectError."""
        if self._is_open:
            return
        count = self._bounded(_NVML, "NVML", start)
        self._is_open = True
        if not count:
            self.close()
            raise CollectError("NVML finds no GPU on this machine", do="Check `nvidia-smi`")
        self.errors.clear()
        for index in range(count):
            self._find(index)
        boards = list(self.boards.values())
        with suppress(CollectError):  # without them the boards are read all the same
            self._events = self._bounded(_NVML, "NVML", lambda: XidEvents(boards))

    def close(self) -> None:
        """Close NVML. Minutes that are not complete are left to the next run."""
        if self._is_open:
            self._is_open = False
            self._events = None
            self.boards.clear()
            with suppress(CollectError):
                self._bounded(_NVML, "NVML", stop)
        self._worker.close()

    def _find(self, index: int) -> None:
        try:
            self.boards[index] = self._bounded(
                index, f"GPU {index}", lambda: Board(index, self._host)
            )
        except CollectError as err:
            self._fail(index, err)

    def _look_again(self) -> None:
        if not self.errors:
            for index, board in list(self.boards.items()):
                try:
                    self._bounded(index, board.subject, board.refresh)
                except CollectError as err:
                    self._fail(index, err)
        elif all(event.is_set() for event in self._stuck.values()):
            # A GPU that was reset answers only to a library that was opened after that.
            self.close()
            self.open()

    def _drain(self) -> Mapping[str, tuple[int, ...]]:
        with suppress(CollectError):
            if self._events is not None:
                return self._bounded(_NVML, "NVML", self._events.drain)
        return {}

    def _read(self, index: int, xids: Mapping[str, tuple[int, ...]]) -> list[Reading]:
        board, at = self.boards[index], microseconds(self._clock())
        try:
            readings = self._bounded(
                index, board.subject, lambda: board.read(at, xids.get(board.gpu.uuid, ()))
            )
        except CollectError as err:
            self._fail(index, err)
            return []
        self.errors.pop(index, None)
        return readings

    def _fail(self, index: int, err: CollectError) -> None:
        """Note what is wrong with one GPU; raise what is wrong with all."""
        if isinstance(err, NvmlError) and err.reach is Reach.LIBRARY:
            self.close()
            raise err
        self.errors[index] = err

    def _fold(self, gpu: Gpu, sample: Sample) -> list[MinuteReading]:
        fold = self._folds.get(gpu.uuid)
        if fold is None or not fold.follows(sample.at + _CLOCK_JUMP):
            since = self._marks.get(gpu.uuid) if fold is None else None
            fold = self._folds[gpu.uuid] = Fold(gpu, step=self._step, since=since)
        fold.gpu = gpu
        return fold.add(sample) if fold.follows(sample.at) else []

    def _bounded(self, key: int, subject: str, work: Callable[[], T]) -> T:
        """Make a call that must come back in time; one that hangs is not tried again until then."""
        hanging = self._stuck.get(key)
        if hanging is not None and not hanging.is_set():
            raise self._late(subject)
        self._stuck.pop(key, None)
        try:
            return self._worker.call(work, seconds=self._deadline)
        except OverdueError as err:
            self._stuck[key] = err.returned
            raise self._late(subject) from err

    def _late(self, subject: str) -> CollectError:
        return CollectError(
            f"{subject}: the driver did not answer within {self._deadline:g} s",
            do="Check `dmesg`; the other GPUs go on",
            retryable=True,
        )
