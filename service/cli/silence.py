"""`spendwatt silence`: add (the default), list, end."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from service.cli.output import Format, FormatOption, listing, show
from service.cli.state import State
from spendwatt.clock import rfc3339
from spendwatt.errors import UsageError
from spendwatt.settings import parse_duration
from spendwatt.table import Column
from storage import silences


def add_silence(
    ctx: typer.Context,
    filter: Annotated[str, typer.Argument(help="Which findings.")],
    duration: Annotated[str, typer.Option("--for", help="How long, such as 4h or 7d.")],
    reason: Annotated[str, typer.Option(help="Why, for those who wonder later.")],
) -> None:
    """Silence what a filter matches."""
    state: State = ctx.obj
    now = state.clock()
    try:
        ends_at = now + parse_duration(duration)
    except (ValueError, OverflowError) as err:
        raise UsageError(f'--for "{duration}": {err}', parameter="for") from err
    with state.store().write() as connection:
        made = silences.create(
            connection, filter, ends_at=ends_at, reason=reason, created_by=_who(), now=now
        )
    typer.echo(
        f"Silence {made.id} lasts until {rfc3339(made.ends_at)}. What it mutes is still announced "
        f"when it is over. End it with `spendwatt silence end {made.id}`."
    )


def list_silences(
    ctx: typer.Context,
    format: FormatOption = Format.TABLE,
    every: Annotated[bool, typer.Option("--all", help="Also those that ended.")] = False,
) -> None:
    """List silences."""
    state: State = ctx.obj
    with state.store().read() as connection:
        found = (
            silences.list_silences(connection)
            if every
            else silences.active(connection, state.clock())
        )
    rows = [
        {column.name: getattr(silence, column.name) for column in _COLUMNS}
        | {"filter": silence.filter_text}
        for silence in found
    ]
    show(listing(_COLUMNS, rows), format)


def end_silence(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(help="Its number.")],
) -> None:
    """End a silence now."""
    state: State = ctx.obj
    with state.store().write() as connection:
        ended = silences.end(connection, number, state.clock())
    if not ended:
        raise UsageError(
            f"no silence {number} is active", do="`spendwatt silence list` shows those that are"
        )
    typer.echo(f"Silence {number} has ended.")


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command line"  # a container's user often has no name


_COLUMNS = (
    Column("id", "integer", "Its number."),
    Column("filter", "text", "What it mutes."),
    Column("reason", "text", "Why."),
    Column("created_by", "text", "Who asked for it."),
    Column("created_at", "time", "Since when."),
    Column("ends_at", "time", "Until when."),
)
