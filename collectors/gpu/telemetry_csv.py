"""Reads GPU readings from a CSV file: a row per GPU and moment.

Columns: timestamp (RFC 3339, or seconds since 1970), gpu_uuid, and any of host, gpu_name,
gpu_util_percent, memory_used_bytes, memory_total_bytes, power_draw_watts, energy_joules. The last
one is the device's counter: all that it used since some moment. An empty cell is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from collectors.gpu.energy import SECOND, Sample
from collectors.gpu.fold import microseconds
from collectors.gpu.reading_files import ReadReport, RowError, cells_of, lines_of, number_of
from collectors.gpu.stepped import Stepped
from spendwatt.clock import parse_moment
from spendwatt.errors import InputError
from spendwatt.records import Gpu, MinuteReading
from spendwatt.window import LATEST

REQUIRED = ("timestamp", "gpu_uuid")
OPTIONAL = {
    "gpu_util_percent": 100.0,
    "memory_used_bytes": 2.0**39,
    "memory_total_bytes": 2.0**39,
    "power_draw_watts": 10_000.0,
    "energy_joules": 1e15,
}
"""Column -> the largest value that can be."""
TEXTS = ("host", "gpu_name")

_MIB = 1 << 20
_LATEST = 10_000_000_000  # the year 2286: beyond it a number must be in milliseconds
_LONGEST_TEXT = 256


def read_telemetry_csv(
    path: Path, report: ReadReport, *, host: str | None = None, until: datetime = LATEST
) -> Iterator[MinuteReading]:
    """Yield the file's minutes; `report` grows with it. `host` stands in where no column tells.

    A GPU's rows must come in the order of time, and none after `until`. Raises InputError where
    nothing can be read.
    """
    lines = lines_of(path)
    header = next((line for line in lines if line[1].strip()), None)
    if header is None:
        raise InputError("the file is empty", file=str(path), do="Give a file with a header")
    columns = _columns(path, *header)
    stepped = Stepped(until)
    for number, line in lines:
        if not line.strip():
            continue
        try:
            gpu, sample = _row(columns, cells_of(line), host)
            done = stepped.add(gpu, sample)
        except RowError as err:
            report.refuse(number, str(err))
            continue
        report.rows += 1
        yield from done
    report.require_rows()
    yield from stepped.finish()


def _columns(path: Path, number: int, line: str) -> dict[str, int]:
    try:
        names = [name.lower() for name in cells_of(line)]
    except RowError as err:
        raise InputError(f"the header {err}", file=str(path), line=number) from err
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise InputError(
            f"the header has no {' and no '.join(missing)}",
            file=str(path),
            line=number,
            do=f"Name the columns {', '.join((*REQUIRED, *TEXTS, *OPTIONAL))}; all but the first "
            "two may be missing",
        )
    return {name: names.index(name) for name in (*REQUIRED, *TEXTS, *OPTIONAL) if name in names}


def _row(columns: Mapping[str, int], cells: list[str], host: str | None) -> tuple[Gpu, Sample]:
    def text(name: str) -> str:
        place = columns.get(name)
        return cells[place] if place is not None and place < len(cells) else ""

    values = {
        name: number_of(cell, name, most=most) if (cell := text(name)) else None
        for name, most in OPTIONAL.items()
    }
    used, total = values["memory_used_bytes"], values["memory_total_bytes"]
    uuid = text("gpu_uuid")
    if not uuid or len(uuid) > _LONGEST_TEXT:
        raise RowError("gpu_uuid is empty or too long")
    gpu = Gpu(
        uuid,
        host=text("host")[:_LONGEST_TEXT] or host,
        name=text("gpu_name")[:_LONGEST_TEXT] or None,
        memory_total_bytes=None if total is None else int(total),
    )
    return gpu, Sample(
        at=_moment(text("timestamp")),
        util_percent=values["gpu_util_percent"],
        memory_used_mib=None if used is None else used / _MIB,
        power_watts=values["power_draw_watts"],
        counter_joules=values["energy_joules"],
    )


def _moment(text: str) -> int:
    try:
        seconds = float(text)
    except ValueError:
        return _calendar(text)
    if not 0 <= seconds < _LATEST:
        raise RowError("timestamp is not in seconds since 1970")
    return round(seconds * SECOND)


def _calendar(text: str) -> int:
    try:
        moment: datetime = parse_moment(text)
        return microseconds(moment)
    except (ValueError, OverflowError):
        raise RowError("timestamp is neither RFC 3339 nor seconds since 1970") from None
