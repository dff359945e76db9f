"""`spendwatt token`: create, list, revoke."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.output import Format, FormatOption, listing, note, show
from service.cli.state import State
from spendwatt.table import Column
from storage import tokens
from storage.tokens import Role


def create_token(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Who or what will use it.")],
    role: Annotated[Role, typer.Option(help="What it opens.")] = Role.VIEWER,
) -> None:
    """Make a token; shown once."""
    state: State = ctx.obj
    with state.store(create=True).write() as connection:
        made = tokens.create(connection, name, role, state.clock())
    typer.echo(made.secret)
    note(f"Keep it: only its hash is stored. Revoke it with `spendwatt token revoke {name}`.")


def list_tokens(ctx: typer.Context, format: FormatOption = Format.TABLE) -> None:
    """List tokens, without their secret."""
    state: State = ctx.obj
    with state.store().read() as connection:
        rows = [
            {column.name: getattr(token, column.name) for column in _COLUMNS}
            for token in tokens.list_tokens(connection)
        ]
    show(listing(_COLUMNS, rows), format)


def revoke_token(
    ctx: typer.Context,
    token: Annotated[str, typer.Argument(help="Its id, or its name.")],
) -> None:
    """Make a token worthless."""
    state: State = ctx.obj
    with state.store().write() as connection:
        gone = tokens.revoke(connection, token, state.clock())
    typer.echo(f"Token {gone.id} ({gone.name}) opens nothing any more.")


_COLUMNS = (
    Column("id", "text", "Its public part."),
    Column("name", "text", "Who or what uses it."),
    Column("role", "text", "What it opens: viewer, operator, ingest or admin."),
    Column("created_at", "time", "When it was made."),
    Column("last_used_at", "time", "When it was last used, to about a minute."),
    Column("revoked_at", "time", "Since when it opens nothing."),
)
