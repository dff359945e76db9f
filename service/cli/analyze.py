"""`spendwatt analyze`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from reports.findings import COLUMNS, finding_fields
from service import jobs
from service.cli.output import Format, FormatOption, note, show
from service.cli.progress import working
from service.cli.state import State
from spendwatt.clock import parse_moment, rfc3339
from spendwatt.errors import UsageError
from spendwatt.table import Table
from storage import findings
from storage.engine import Store

_SHORT = ("id", "severity", "title", "money_at_stake", "currency", "opened_at")
_LATER = ("state", "seen_at", "updated_at", "resolved_at", "episodes")


def analyze(
    ctx: typer.Context,
    as_of: Annotated[
        str | None, typer.Option(help="The moment to judge as of; now unless given.")
    ] = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Judge what is stored; keep the findings.

    A moment before the newest judgement that is kept is only looked at: the findings of today
    stay as they are.
    """
    state: State = ctx.obj
    wired = state.wired()
    moment = _moment(as_of, state.clock())
    newest = _newest(wired.store)
    keep = newest is None or moment >= newest
    with working(f"Judging as of {rfc3339(moment)}"):
        judgement = jobs.judge(wired, moment, keep=keep)
    leave_out = {*_LATER} if format is not Format.TABLE else {c.name for c in COLUMNS} - {*_SHORT}
    columns = tuple(column for column in COLUMNS if column.name not in leave_out)
    rows = [finding_fields(finding) for finding in judgement.findings]
    show(Table(columns=columns, rows=rows, total_rows=len(rows)), format, key="findings")
    if not keep and newest is not None:
        note(f"Not kept: there are findings of {rfc3339(newest)}, which is later.")
    for name, why in judgement.broken.items():
        note(f"The analyzer {name} failed: {why}")
    if judgement.broken:
        raise typer.Exit(1)


def _moment(text: str | None, now: datetime) -> datetime:
    if text is None:
        return now
    try:
        return parse_moment(text)
    except (ValueError, OverflowError) as err:
        raise UsageError(
            f'--as-of "{text}" is not a moment',
            do="Write one such as 2026-02-28T12:00:00Z, or a date",
            parameter="as-of",
        ) from err


def _newest(store: Store) -> datetime | None:
    with store.read() as connection:
        return findings.newest(connection)
