"""Reads logs of `nvidia-smi --query-gpu=... --format=csv`, also inside a capture of many outputs.

Cells may carry units or not; what stands in brackets (`[N/A]`, `[Unknown Error]`) is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from collectors.gpu import smi_forms
from collectors.gpu.energy import Sample
from collectors.gpu.fold import microseconds
from collectors.gpu.reading_files import Line, ReadReport, RowError, cells_of, lines_of, number_of
from collectors.gpu.stepped import Stepped
from spendwatt.errors import InputError
from spendwatt.records import Gpu, MinuteReading
from spendwatt.window import LATEST

_UTC = ZoneInfo("UTC")
_UNKNOWN = {"", "N/A", "ERR!", "-"}

# Field -> the columns that can tell it, the best first, its unit, the largest value that can be.
_NUMBERS: Mapping[str, tuple[tuple[str, ...], str, float]] = {
    "util": (("utilization.gpu",), "%", 100),
    "used": (("memory.used",), "MiB", 500_000),
    "total": (("memory.total",), "MiB", 500_000),
    "power": (("power.draw.average", "power.draw", "power.draw.instant"), "W", 10_000),
    "limit": (("enforced.power.limit", "power.limit"), "W", 10_000),
    "temperature": (("temperature.gpu",), "C", 300),
    "clock": (("clocks.current.sm", "clocks.sm"), "MHz", 30_000),
}
_REASONS = ("clocks_event_reasons.active", "clocks_throttle_reasons.active")
_UUID = ("uuid", "gpu_uuid")
_NAME = ("name", "gpu_name")


@dataclass(frozen=True, slots=True)
class SmiOptions:
    """What a log does not tell by itself."""

    gpu: str | None = None
    """The GPU's UUID, where the log has no column for it; it wins over one that has."""
    host: str | None = None
    zone: ZoneInfo = _UTC
    """The zone of the host's clock."""
    until: datetime = LATEST
    """A later row is refused."""


def read_smi_log(path: Path, report: ReadReport, options: SmiOptions) -> Iterator[MinuteReading]:
    """Yield the log's minutes; `report` grows with it.

    Raises InputError where the file is no log, says nothing of which GPU it is, or holds no row.
    """
    stepped = Stepped(options.until)
    for title, lines in smi_forms.sections(lines_of(path)):
        log = _Log(stepped, report, options)
        try:
            yield from log.read(lines)
        except InputError as err:
            if title is None:
                raise
            report.skipped.append(f"{title}: {err.what.partition(': ')[2]}")
    if report.skipped and not report.rows:
        raise InputError(
            "it holds no log of readings", file=str(path), do=f"Record one: {smi_forms.LOG}"
        )
    report.require_rows()
    yield from stepped.finish()


class _Log:
    """One log: a header, and rows until the end."""

    def __init__(self, stepped: Stepped, report: ReadReport, options: SmiOptions) -> None:
        self._stepped = stepped
        self._report = report
        self._options = options
        self._columns: dict[str, int] = {}
        self._width = 0
        self._one: str | None = None

    def read(self, lines: Iterator[Line]) -> Iterator[MinuteReading]:
        for number, line in lines:
            if not line.strip():
                continue
            if not self._columns or line.startswith("timestamp"):
                self._begin(number, line)
                continue
            try:
                done = self._stepped.add(*self._row(cells_of(line)))
            except RowError as err:
                self._report.refuse(number, str(err))
                continue
            self._report.rows += 1
            yield from done

    def _begin(self, number: int, line: str) -> None:
        """Take the header. Raises InputError for any other output of nvidia-smi."""
        reason = smi_forms.refusal(line)
        if reason is not None:
            raise InputError(
                reason, file=self._report.file, line=number, do=f"Record a log: {smi_forms.LOG}"
            )
        names = [cell.partition(" [")[0] for cell in cells_of(line)]
        self._columns = {name: place for place, name in reversed(list(enumerate(names)))}
        self._width = len(names)
        if self._options.gpu is None and not any(name in self._columns for name in _UUID):
            raise InputError(
                "it does not say which GPU it is of",
                file=self._report.file,
                line=number,
                do="Give --gpu UUID (see `nvidia-smi -L`), or log the column uuid",
            )

    def _row(self, cells: list[str]) -> tuple[Gpu, Sample]:
        if len(cells) != self._width:
            raise RowError(f"has {len(cells)} cells, its header {self._width}")
        values = {field: self._number(cells, field) for field in _NUMBERS}
        total = values["total"]
        gpu = Gpu(
            self._uuid(cells),
            host=self._options.host,
            name=self._text(cells, _NAME),
            memory_total_bytes=None if total is None else int(total) << 20,
            power_limit_watts=values["limit"],
        )
        sample = Sample(
            at=self._moment(cells, gpu.uuid),
            util_percent=values["util"],
            memory_used_mib=values["used"],
            power_watts=values["power"],
            temperature_celsius=values["temperature"],
            sm_clock_mhz=values["clock"],
            clocks_event_reasons=self._event_reasons(cells),
        )
        return gpu, sample

    def _text(self, cells: list[str], names: tuple[str, ...]) -> str | None:
        """Give the first of some columns that is there and known."""
        for name in names:
            place = self._columns.get(name)
            if place is not None and not _is_unknown(cells[place]):
                return cells[place]
        return None

    def _number(self, cells: list[str], field: str) -> float | None:
        names, unit, most = _NUMBERS[field]
        for name in names:
            text = self._text(cells, (name,))
            if text is not None:
                return number_of(text, name, units=(unit,), most=most)
        return None

    def _event_reasons(self, cells: list[str]) -> int:
        text = self._text(cells, _REASONS)
        try:
            return 0 if text is None else int(text, 16)
        except ValueError:
            raise RowError(f"{_REASONS[0]} is not a hexadecimal number") from None

    def _uuid(self, cells: list[str]) -> str:
        told = self._text(cells, _UUID)
        if self._options.gpu is None:
            if told is None:
                raise RowError("uuid is empty")
            return told
        # Two GPUs under one name would be summed without a word.
        one = told or self._text(cells, ("index", "pci.bus_id")) or ""
        if self._one is None:
            self._one = one
        elif one != self._one:
            raise RowError("is of another GPU than the first row, and --gpu names one")
        return self._options.gpu

    def _moment(self, cells: list[str], uuid: str) -> int:
        local = _local_time(self._text(cells, ("timestamp",)) or "")
        latest = self._stepped.latest(uuid)
        at = microseconds(local.replace(tzinfo=self._options.zone))
        if latest is not None and at <= latest:
            # The hour that comes twice when daylight saving ends: the second one is meant.
            at = microseconds(local.replace(tzinfo=self._options.zone, fold=1))
        return at


def _is_unknown(cell: str) -> bool:
    return cell in _UNKNOWN or cell.startswith("[")


def _local_time(text: str) -> datetime:
    """Read `2023/07/30 17:28:02.589`. Raises RowError."""
    try:
        day, _, clock = text.partition(" ")
        moment = datetime.fromisoformat(f"{day.replace('/', '-')}T{clock}")
        if moment.tzinfo is None and moment.year >= 1971:
            return moment
    except ValueError:
        pass
    raise RowError("timestamp is not of the form 2023/07/30 17:28:02.589")
