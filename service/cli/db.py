"""`spendwatt db`: upgrade, current, prune, distribute."""

from __future__ import annotations

import typer

from service.cli.output import Format, FormatOption, listing, show
from service.cli.progress import working
from service.cli.state import State, is_absent
from spendwatt.errors import StorageError
from spendwatt.table import Column
from storage import migrate


def upgrade(ctx: typer.Context) -> None:
    """Bring the schema to this version."""
    state: State = ctx.obj
    store = state.any_store()
    before = None if is_absent(store) else migrate.current(store)
    migrate.upgrade(store)
    after = migrate.current(store)
    done = f"already has schema {after}" if before == after else f"now has schema {after}"
    typer.echo(f"The database {store.name} {done}.")


def current(ctx: typer.Context, format: FormatOption = Format.TABLE) -> None:
    """Say which schema the database has."""
    state: State = ctx.obj
    store = state.any_store()
    have = None if is_absent(store) else migrate.current(store)
    row = {"database": store.name, "schema": have, "needed": migrate.head()}
    show(listing(_CURRENT, [row]), format)


def prune(ctx: typer.Context) -> None:
    """Drop what is older than its retention, now."""
    from service import jobs

    state: State = ctx.obj
    with working("Dropping what is older than its retention"):
        ended = jobs.retain(state.wired())
    if ended.error is not None:
        raise StorageError(ended.error)
    typer.echo(f"{ended.rows or 0:,} rows are gone.")


def distribute(ctx: typer.Context) -> None:
    """Spread the tables over Citus workers."""
    from storage import distribute as citus

    state: State = ctx.obj
    with working("Spreading tables"):
        placed = citus.distribute(state.store())
    for placement in placed:
        how = f"by {placement.column}" if placement.column else "whole on each worker"
        typer.echo(f"{placement.table}: {how}")
    if not placed:
        typer.echo("Every table lies where it should.")


_CURRENT = (
    Column("database", "text", "Its address, without the password."),
    Column("schema", "text", "Its revision; none where nothing has been set up."),
    Column("needed", "text", "The revision that this version works with."),
)
