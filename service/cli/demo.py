"""`spendwatt demo`."""

from __future__ import annotations

import socket
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from service.cli.output import note

DEFAULT_PORT = 8321


def demo(
    serve: Annotated[bool, typer.Option(help="Serve REST afterwards, until stopped.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Another, if this is taken.")] = (
        DEFAULT_PORT
    ),
) -> None:
    """Play a made-up company's four months in a temporary database, and serve it."""
    from service.demo import story, tell

    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="spendwatt-demo-") as folder:
        note("Acme rents from AWS, Google Cloud, Azure and an LLM API, and owns two GPU servers.")
        played = story.play(Path(folder), note)
        seconds = time.monotonic() - began
        typer.echo("")
        for line in tell.lines(played):
            typer.echo(line)
        typer.echo(f"All of it took {seconds:.0f} s, offline, in {folder}.")
        if serve:
            _serve(played, _free_port(port))
        played.wired.store.close()


def _serve(played: object, port: int) -> None:
    import uvicorn

    from api.app import create_app
    from api.context import ApiSettings
    from api.server import server_config
    from service.demo.story import Story

    assert isinstance(played, Story)  # noqa: S101
    wired = played.wired
    app = create_app(wired.store, wired.estate, settings=ApiSettings(), clock=wired.clock)
    base = f"http://127.0.0.1:{port}/api/v1"
    typer.echo("Ask it yourself; Ctrl-C ends it and deletes everything:")
    typer.echo(f"  curl '{base}/costs?window=month&aggregate=service&sort_by=-billed_cost'")
    typer.echo(f"  curl '{base}/idle?window=7d'")
    typer.echo(f"  curl '{base}/findings'")
    uvicorn.Server(server_config(app, port=port)).run()


def _free_port(wanted: int) -> int:
    """Give the wanted port, or any free one where it is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return wanted
