"""`spendwatt serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.state import State


def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Instead of server.host.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Instead of server.port.")] = (
        None
    ),
) -> None:
    """Collect, analyze, alert and answer."""
    from service import daemon, logs

    state: State = ctx.obj
    settings = state.settings
    given = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    server = settings.server.model_copy(update=given)
    logs.configure(settings.logging)
    raise typer.Exit(daemon.serve(settings.model_copy(update={"server": server})))
