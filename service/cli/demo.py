"""`spendwatt demo`."""

from __future__ import annotations

import socket
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.output import Format, note, show

if TYPE_CHECKING:  # the story loads everything
    from service.demo.story import Story

DEFAULT_PORT = 8321
QUESTIONS = (
    "costs?window=month&aggregate=service&sort_by=-billed_cost&limit=5",
    "idle?window=7d",
    "findings",
)


def demo(
    serve: Annotated[bool, typer.Option(help="Serve REST afterwards, until stopped.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Another, if this is taken.")] = (
        DEFAULT_PORT
    ),
) -> None:
    """Play a made-up company's four months in a temporary database, and serve it."""
    from service import logs
    from service.config.sections import LoggingSettings
    from service.demo import story

    logs.configure(LoggingSettings(level="warning"))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="spendwatt-demo-") as folder:
        note(f"Acme's four months, in {folder}:")
        played = story.play(Path(folder), note)
        _tell(played)
        note(f"All of it took {time.monotonic() - began:.0f} s, offline.")
        if serve:
            _serve(played, _free_port(port))
        played.wired.store.close()


def _tell(played: Story) -> None:
    from service.demo import tell

    _heading("Three of the messages")
    for line in tell.messages(played):
        typer.echo(line)
    _heading("How much was said, and how much of it wrongly")
    for line in tell.tally_lines(tell.tally(played)):
        typer.echo(line)
    _heading("September: what was told before Azure restated it, and now")
    show(tell.restated(played), Format.TABLE)
    _heading("The fleet, the last two days")
    show(tell.fleet(played), Format.TABLE)


def _heading(text: str) -> None:
    typer.echo(f"\n== {text}\n")


def _serve(played: Story, port: int) -> None:
    import uvicorn

    from api.app import create_app
    from api.context import ApiSettings
    from api.server import server_config

    wired = played.wired
    app = create_app(wired.store, wired.estate, settings=ApiSettings(), clock=wired.clock)
    base = f"http://127.0.0.1:{port}/api/v1"
    _heading("Ask it yourself; Ctrl-C ends it and deletes everything")
    for question in QUESTIONS:
        typer.echo(f"curl '{base}/{question}'")
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
