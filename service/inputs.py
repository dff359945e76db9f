"""Loads from the store what each analyzer needs, as the plain values of `analysis.inputs`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from analysis.inputs import Inputs
from analysis.source_state import SourceState
from reports import measured, spend
from service.failures import PREFIX
from service.wiring import Source
from spendwatt.errors import ConfigError
from spendwatt.estate import Estate
from spendwatt.parts import PartDays, PartsAsked
from spendwatt.records import Finding
from spendwatt.window import Window
from storage.engine import Store
from storage.queries import gpus, idle, parts
from storage.queries.ledger import account_names
from storage.queries.news import first_asked, last_news

IDLE_DAYS = timedelta(days=7)
"""So long a silent GPU keeps open the idleness that it was part of."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a loader goes by."""

    connection: Connection
    estate: Estate
    as_of: datetime
    sources: Mapping[str, Source] = field(default_factory=dict)
    """Those that are configured."""
    known: dict[str, Any] = field(default_factory=dict)
    """What is loaded already for this moment, by name."""

    def once(self, name: str, load: Callable[[Asked], Any]) -> Any:
        """Load it, or give what was loaded before."""
        if name not in self.known:
            self.known[name] = load(self)
        return self.known[name]


def changes(asked: Asked) -> spend.Changes:
    """Read the ledger, which several fields rest on, once."""
    found: spend.Changes = asked.once(
        "changes", lambda asked: spend.changes_of(asked.connection, asked.as_of)
    )
    return found


def source_states(asked: Asked) -> list[SourceState]:
    """Give how each source stands: those that are configured, and those ever imported."""
    told = {news.source: news for news in last_news(asked.connection, asked.as_of)}
    since = first_asked(asked.connection, PREFIX)
    return [
        SourceState(
            name=name,
            content=told[name].content if name in told else asked.sources[name].content,
            last_delivery_at=told[name].at if name in told else None,
            expected_every=asked.sources[name].every if name in asked.sources else None,
            configured_at=since.get(name),
        )
        for name in sorted({*told, *asked.sources})
    ]


LOADERS: dict[str, Callable[[Asked], Any]] = {
    "ledger": lambda asked: changes(asked).ledger,
    "account_names": lambda asked: account_names(asked.connection),
    "budget_days": lambda asked: spend.budget_days(
        asked.connection, asked.estate, asked.as_of, changes(asked)
    ),
    "asset_hours": lambda asked: measured.asset_hours(asked.connection, asked.estate, asked.as_of),
    "workload_spend": lambda asked: measured.workload_spend(
        asked.connection, asked.estate, asked.as_of
    ),
    "sources": source_states,
    "idle_stretches": lambda asked: idle.stretches(
        asked.connection, Window(asked.as_of - IDLE_DAYS, asked.as_of)
    ),
    "gpus": lambda asked: [known.gpu for known in gpus.gpus(asked.connection)],
    "gpu_read_until": lambda asked: idle.read_until(asked.connection, asked.as_of),
}
"""Field of Inputs -> what loads it."""


def load(
    store: Store,
    estate: Estate,
    needs: Iterable[str],
    as_of: datetime,
    open_findings: Sequence[Finding] = (),
    *,
    sources: Mapping[str, Source] | None = None,
    known: dict[str, Any] | None = None,
) -> Inputs:
    """Load the fields that an analyzer needs, all from one view of the store.

    `known` holds what was loaded for other analyzers as of the same moment, and takes what is
    loaded now: each field is read once, however many need it.

    Raises ConfigError for a field that there is not, StorageError.
    """
    wanted = [name for name in needs if name not in {"as_of", "estate", "open_findings"}]
    unknown = [name for name in wanted if name not in LOADERS]
    if unknown:
        raise ConfigError(
            f'an analyzer needs "{unknown[0]}", which nothing loads',
            do=f"Allowed: {', '.join(LOADERS)}",
        )
    with store.read() as connection:
        asked = Asked(connection, estate, as_of, sources or {}, {} if known is None else known)
        loaded = {name: asked.once(name, LOADERS[name]) for name in wanted}
    return Inputs(as_of=as_of, estate=estate, open_findings=open_findings, **loaded)


def load_parts(store: Store, asks: Iterable[PartsAsked]) -> dict[PartsAsked, list[PartDays]]:
    """Load what an analyzer asks after its first look, as the bills say now.

    Raises StorageError.
    """
    asked = list(asks)
    if not asked:
        return {}
    with store.read() as connection:
        return {one: parts.parts(connection, one) for one in asked}
