"""`spendwatt collect [NAME...]`."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

import typer

from service import jobs
from service.cli.output import Format, FormatOption, listing, show
from service.cli.progress import working
from service.cli.state import State
from service.wiring import Wired
from spendwatt.errors import UsageError
from spendwatt.table import Column


def collect(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(help="Which collectors; none of them means all.")
    ] = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Run collectors once, now."""
    state: State = ctx.obj
    wired = state.wired(create=True)
    rows = []
    for name in _chosen(wired, names or []):
        with working(f"Collecting {name}"):
            ended = jobs.collect(wired, name)
        rows.append({"collector": name, "ok": ended.ok, "rows": ended.rows, "error": ended.error})
    show(listing(_COLUMNS, rows), format)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(1)


def _chosen(wired: Wired, names: list[str]) -> list[str]:
    able = [s.name for s in wired.sources.values() if s.is_asked]
    for name in names:
        if name not in able:
            close = get_close_matches(name, able, n=1)
            known = f'Did you mean "{close[0]}"?' if close else f"There is: {', '.join(able)}"
            raise UsageError(f'no collector "{name}" can be run once', do=known)
    if not able:
        raise UsageError(
            "no collector is configured", do="Add [[collectors]] to the file, or `spendwatt init`"
        )
    return names or able


_COLUMNS = (
    Column("collector", "text", "Its name."),
    Column("ok", "boolean", "Whether it worked."),
    Column("rows", "integer", "Rows that it brought; 0 where nothing had changed."),
    Column("error", "text", "What failed, and what to do."),
)
