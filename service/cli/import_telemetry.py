"""`spendwatt import telemetry FILE` and `spendwatt import smi FILE`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from collectors.gpu.reading_files import ReadReport
from collectors.gpu.smi_log import SmiOptions, read_smi_log
from collectors.gpu.telemetry_csv import read_telemetry_csv
from service import idle
from service.cli.output import Format, FormatOption, listing, note, show, show_json
from service.cli.progress import working
from service.cli.source_name import source_name
from service.cli.state import State
from spendwatt.errors import InputError, UsageError
from spendwatt.records import MinuteReading
from spendwatt.table import Column
from storage import telemetry
from storage.roll_up import roll_up
from storage.telemetry import CLOCK_SKEW, SaveReport

_SUFFIXES = re.compile(r"(\.(csv|txt|log|gz))+$", re.IGNORECASE)

File = Annotated[Path, typer.Argument(help="The file, plain or gzip.", show_default=False)]
Source = Annotated[
    str | None,
    typer.Option(help="What to call where this comes from.", show_default="the file's name"),
]
Host = Annotated[str | None, typer.Option(help="Host of GPUs whose host the file does not tell.")]


def import_telemetry(
    ctx: typer.Context,
    file: File,
    *,
    source: Source = None,
    host: Host = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Bring in GPU readings from a CSV file.

    Its header names timestamp and gpu_uuid, and any of host, gpu_name, gpu_util_percent,
    memory_used_bytes, memory_total_bytes, power_draw_watts, energy_joules.
    """
    report = ReadReport(str(file))
    minutes = read_telemetry_csv(file, report, host=host, until=_until(ctx.obj))
    _import(ctx.obj, file, report, minutes, source=source, format=format)


def import_smi(
    ctx: typer.Context,
    file: File,
    *,
    gpu: Annotated[
        str | None, typer.Option(help="UUID of the GPU, for a log without a column uuid.")
    ] = None,
    host: Host = None,
    timezone: Annotated[
        str, typer.Option(help='Zone of the host\'s clock, such as "Europe/Berlin".')
    ] = "UTC",
    source: Source = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Bring in GPU readings from a log of `nvidia-smi --query-gpu=... --format=csv`."""
    report = ReadReport(str(file))
    options = SmiOptions(gpu=gpu, host=host, zone=_zone(timezone), until=_until(ctx.obj))
    minutes = read_smi_log(file, report, options)
    _import(ctx.obj, file, report, minutes, source=source, format=format)


def _import(
    state: State,
    file: Path,
    report: ReadReport,
    minutes: Iterator[MinuteReading],
    *,
    source: str | None,
    format: Format,
) -> None:
    first = next(minutes, None)  # a file that cannot be read must not leave a database behind
    name = source_name(_SUFFIXES.sub("", file.name) if source is None else source)
    wired = state.wired(create=True)
    store, now = wired.store, wired.clock()
    with working(f"Importing {file.name}"):
        saved = telemetry.save(store, name, _all(first, minutes), now=now, history=True)
        roll_up(store, now=now)
        idle.refresh(store, wired.idle_rule)
    _show(report, saved, name, format)
    _require_saved(saved, file)


def _until(state: State) -> datetime:
    return state.clock() + CLOCK_SKEW


def _all(first: MinuteReading | None, rest: Iterator[MinuteReading]) -> Iterator[MinuteReading]:
    if first is not None:
        yield first
    yield from rest


def _show(report: ReadReport, saved: SaveReport, source: str, format: Format) -> None:
    row = {
        "source": source,
        "file": report.file,
        "rows": report.rows,
        "rows_refused": report.refused,
        "minutes": saved.saved,
        "minutes_refused": saved.refused,
        "skipped": report.skipped,
    }
    if format is Format.JSON:
        show_json({"imports": [row]})
        return
    show(listing(_COLUMNS, [row]), format)
    for part in report.skipped:
        note(f"Skipped: {part}")
    if report.first_refused is not None:
        note("First refused: line {}: {}".format(*report.first_refused))


def _require_saved(saved: SaveReport, file: Path) -> None:
    """Raise InputError where every minute was refused: a script must not take that for done."""
    if saved.saved or not saved.refused:
        return
    reasons = ", ".join(f"{reason} ({count:,})" for reason, count in saved.refused.items())
    raise InputError(
        f"all {sum(saved.refused.values()):,} minutes of GPUs were refused: {reasons}",
        file=str(file),
        do="Nothing was stored",
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as err:
        raise UsageError(
            f'"{name}" is not a known time zone',
            do="Write one such as Europe/Berlin",
            parameter="timezone",
        ) from err


_COLUMNS = (
    Column("source", "text", "What it is called."),
    Column("rows", "integer", "Rows that were read."),
    Column("rows_refused", "object", "Rows that were not, by reason."),
    Column("minutes", "integer", "Minutes of GPUs that were saved."),
    Column("minutes_refused", "object", "Minutes that were not, by reason."),
)
