"""Collects from the GPUs of this machine through NVIDIA's management library."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import field_validator

from collectors.gpu.fold import Mark, microseconds
from collectors.gpu.watch import Watch
from spendwatt import clock as clocks
from spendwatt.clock import Clock
from spendwatt.errors import CollectError
from spendwatt.records import MinuteReading
from spendwatt.settings import Duration, SettingsModel

_RARELY, _OFTEN = timedelta(seconds=20), timedelta(seconds=1)


class Nvml:
    """Samples this machine's GPUs. `service.sampler` asks it every `sample_every`."""

    class Settings(SettingsModel):
        """The GPUs of the machine that Spendwatt runs on."""

        sample_every: Duration = timedelta(seconds=10)
        """How often each GPU is looked at."""
        deadline: Duration = timedelta(seconds=2)
        """How long the driver may take to answer about one GPU."""
        host: str | None = None
        """Name of the machine in reports; left out, it is the machine's own."""

        @field_validator("sample_every")
        @classmethod
        def _sensible(cls, every: timedelta) -> timedelta:
            if not _OFTEN <= every <= _RARELY:
                raise ValueError("write a duration from 1s to 20s")
            return every

    def __init__(self, name: str, settings: Settings, *, clock: Clock = clocks.now) -> None:
        self.name = name
        self.sample_every = settings.sample_every
        self._watch = Watch(
            host=settings.host or socket.gethostname(),
            step=settings.sample_every,
            deadline=settings.deadline,
            clock=clock,
        )

    def resume(self, marks: Mapping[str, tuple[datetime, float | None]]) -> None:
        """Go on where an earlier run stopped: (moment, energy counter in J) by UUID."""
        self._watch.resume(
            {uuid: Mark(microseconds(at), joules) for uuid, (at, joules) in marks.items()}
        )

    def sample(self) -> list[MinuteReading]:
        """Sample every GPU, and give the minutes that this completes. Raises CollectError."""
        return self._watch.sample()

    @property
    def errors(self) -> list[CollectError]:
        """Give what is wrong with single GPUs at present; the others go on."""
        return list(self._watch.errors.values())

    def check(self) -> str:
        """Try to read the GPUs, and say in one line what is there. Raises CollectError."""
        self._watch.sample()
        names = [board.gpu.name or board.gpu.uuid for board in self._watch.boards.values()]
        counted = ", ".join(f"{names.count(name)} x {name}" for name in sorted(set(names)))
        broken = "; ".join(str(error) for error in self.errors)
        return f"{counted or 'no GPU'}{f'; {broken}' if broken else ''}"

    def close(self) -> None:
        """Close NVML."""
        self._watch.close()
