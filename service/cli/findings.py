"""`spendwatt findings`: list (the default), show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from reports.findings import COLUMNS, stored_fields
from service.cli.output import Format, FormatOption, note, show, show_json, text_of
from service.cli.state import State
from spendwatt.clock import rfc3339
from spendwatt.errors import UsageError
from spendwatt.finding_filter import parse_finding_filter
from spendwatt.money import amount_text
from spendwatt.query import Condition, Filter, Group, Op
from spendwatt.table import Table
from spendwatt.window import parse_window
from storage import findings

_SHORT = ("id", "severity", "title", "money_at_stake", "currency", "opened_at")
_OPEN = Condition("state", None, Op.EQUALS, ("open",))


def list_findings(  # noqa: PLR0917 - typer reads options from parameters
    ctx: typer.Context,
    filter: Annotated[
        str | None, typer.Option(help='Such as kind:"idle_gpu" or severity:"critical".')
    ] = None,
    window: Annotated[str | None, typer.Option(help="Those that lasted in it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most rows to give.")] = 1_000,
    format: FormatOption = Format.TABLE,
) -> None:
    """List findings."""
    state: State = ctx.obj
    with state.store().read() as connection:
        page = findings.search(
            connection,
            _filter(filter, every=every),
            window=parse_window(window, state.clock()) if window else None,
            limit=limit,
        )
    short = tuple(column for column in COLUMNS if column.name in _SHORT)
    columns = short if format is Format.TABLE else COLUMNS
    rows = [stored_fields(stored) for stored in page.findings]
    show(Table(columns=columns, rows=rows, total_rows=page.total), format, key="findings")
    if page.total > len(rows):
        note(f"{len(rows)} of {page.total} are shown: give a --filter or a higher --limit.")


def show_finding(
    ctx: typer.Context,
    finding: Annotated[str, typer.Argument(help="Its id, or the first 4 digits and more.")],
    format: FormatOption = Format.TABLE,
) -> None:
    """Show one finding whole."""
    state: State = ctx.obj
    with state.store().read() as connection:
        stored = findings.get(connection, finding)
        if stored is None:
            raise UsageError(
                f"no finding has the id {finding}", do="`spendwatt findings --all` lists them"
            )
        events = findings.history(connection, stored.finding.id)
    fields = stored_fields(stored)
    history = [
        {"at": e.at, "event": e.event, "severity": e.severity.value, "money": e.money_at_stake}
        for e in events
    ]
    if format is Format.TABLE:
        typer.echo(_text(fields, history))
    elif format is Format.JSON:
        show_json({**fields, "history": history})
    else:
        show(Table(columns=COLUMNS, rows=[fields], total_rows=1), format)


def _filter(text: str | None, *, every: bool) -> Filter | None:
    given = parse_finding_filter(text) if text else None
    if every:
        return given
    return _OPEN if given is None else Group("all", (_OPEN, given))


def _text(fields: Mapping[str, Any], history: list[dict[str, Any]]) -> str:
    money = "unknown"
    if fields["money_at_stake"] is not None:
        basis = str(fields["money_basis"]).replace("_", " ")
        money = f"{amount_text(fields['money_at_stake'])} {fields['currency']} ({basis})"
    lines = [
        str(fields["title"]),
        str(fields["detail"]),
        f"Do: {fields['next_step']}",
        "",
        f"{fields['severity']}, {fields['state']}, since {rfc3339(fields['opened_at'])}",
        f"Money at stake: {money}",
        *(f"{name}: {value}" for name, value in fields["labels"].items()),
        "",
        *(f"{rfc3339(event['at'])}  {event['event']} ({event['severity']})" for event in history),
        "",
        "Evidence:",
        *(
            f"  {name}: {text_of(value)}"
            for name, value in fields["evidence"].items()
            if text_of(value)
        ),
    ]
    return "\n".join(lines)
