"""Collectors fetch bills, GPU readings and prices. They know neither the store nor the server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from spendwatt.errors import CollectError
from spendwatt.records import Delivery, MinuteReading, Price

COLLECTORS: dict[str, str] = {
    "focus_files": "collectors.billing.focus_files:FocusFiles",
    "nvml": "collectors.gpu.nvml:Nvml",
}
"""Kind -> "module:Class". Each class has its own `Settings` model in its file, a
`spendwatt.settings.SettingsModel`, and is made as `Class(name, settings)`: `name` is the entry's
in the configuration, and the `source` of what it brings. A method `check() -> str` may say what
`spendwatt check` shows; it raises where the collector would fail."""

GROUP = "spendwatt.collectors"
"""Entry points of this group add kinds of other packages."""


class BillCollector(Protocol):
    """Brings bills as files."""

    def deliveries(self, known: Mapping[str, str]) -> Iterator[Delivery]:
        """Yield each delivery whose fingerprint differs from the known one of its period.

        `known` maps a billing period (`YYYY-MM`) to the fingerprint that is stored, and
        `records.SNAPSHOT` to that of the newest whole snapshot.
        """


class ReadingCollector(Protocol):
    """Brings GPU readings, folded to minutes."""

    def readings(self, since: datetime | None) -> Iterator[MinuteReading]:
        """Yield the minutes after `since`; None asks for all that there is."""


class SamplingCollector(Protocol):
    """Watches GPUs all the time: asked every few seconds, in a thread of its own."""

    sample_every: timedelta

    def resume(self, marks: Mapping[str, tuple[datetime, float | None]]) -> None:
        """Go on where an earlier run stopped: (moment, energy counter in J) by UUID."""

    def sample(self) -> list[MinuteReading]:
        """Sample every GPU, and give the minutes that this completes. Raises CollectError."""

    @property
    def errors(self) -> list[CollectError]:
        """Give what is wrong with single GPUs at present."""

    def close(self) -> None:
        """Let go of the devices."""


class PriceCollector(Protocol):
    """Brings prices."""

    def prices(self) -> Iterator[Price]:
        """Yield what each unit costs now."""
