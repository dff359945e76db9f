"""`spendwatt check`: tries every part, and says what works and what to do about the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import typer

from api.auth import require_safe_bind
from service import wiring
from service.cli.output import Format, FormatOption, listing, show
from service.cli.progress import working
from service.cli.state import State, is_blank
from service.config import Settings
from service.config.sections import ChannelEntry, CollectorEntry
from service.daemon import listen
from spendwatt.errors import ConfigError, SpendwattError
from spendwatt.table import Column
from storage import migrate
from storage.daemon_lock import daemon_lock
from storage.engine import Store


@dataclass(frozen=True, slots=True)
class Check:
    """One part and how to try it. Trying gives what works in words, or raises SpendwattError."""

    part: str
    attempt: Callable[[], str]


def check(ctx: typer.Context, format: FormatOption = Format.TABLE) -> None:
    """Try every part, and say what works."""
    state: State = ctx.obj
    settings = state.settings
    store = state.any_store()
    rows = []
    for one in _checks(settings, store):
        with working(f"Trying {one.part}"):
            rows.append(_tried(one))
    show(listing(_COLUMNS, rows), format)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(1)


def _checks(settings: Settings, store: Store) -> list[Check]:
    return [
        Check(
            "configuration",
            lambda: (
                f"collectors: {len(settings.collectors)}, channels: {len(settings.alerts.channels)}"
            ),
        ),
        Check("database", partial(_database, store)),
        Check("server", partial(_server, settings, store)),
        *(Check(f"collector {e.name}", partial(_collector, e)) for e in settings.collectors),
        *(Check(f"channel {e.name}", partial(_channel, e)) for e in settings.alerts.channels),
    ]


def _tried(one: Check) -> dict[str, object]:
    try:
        return {"part": one.part, "ok": True, "says": one.attempt()}
    except SpendwattError as err:
        return {"part": one.part, "ok": False, "says": str(err)}


def _database(store: Store) -> str:
    if is_blank(store):
        return f"{store.name} will be made by the first command that writes"
    migrate.require_current(store)
    return f"{store.name} has schema {migrate.head()}"


def _server(settings: Settings, store: Store) -> str:
    host, port = settings.server.host, settings.server.port
    if not is_blank(store):
        require_safe_bind(host, store)
    try:
        listen(host, port).close()
    except ConfigError:
        if is_blank(store) or not _is_served(store):
            raise
        return f"port {port} on {host} is taken, and a daemon works on this database"
    return f"will listen on {host}, port {port}"


def _is_served(store: Store) -> bool:
    lock = daemon_lock(store)
    try:
        return not lock.take()
    finally:
        lock.release()


def _collector(entry: CollectorEntry) -> str:
    """Ask a collector to try itself; one that cannot is asked for the first thing it has."""
    collector = wiring.source(entry).collector
    if hasattr(collector, "check"):
        return str(collector.check())
    if hasattr(collector, "deliveries"):
        return "has a bill" if next(iter(collector.deliveries({})), None) else "has no bill yet"
    return "is set up"


def _channel(entry: ChannelEntry) -> str:
    wiring.channel(entry).check()
    return "would take messages"


_COLUMNS = (
    Column("part", "text", "What was tried."),
    Column("ok", "boolean", "Whether it works."),
    Column("says", "text", "What it found, or what failed and what to do."),
)
