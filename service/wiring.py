"""The only place that builds things: settings in, everything that works together out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.triggers.cron import CronTrigger

from alerts.channels import CHANNELS, Channel
from alerts.channels import GROUP as CHANNEL_GROUP
from alerts.routing import Route
from analysis import ANALYZERS, Analyzer
from analysis import GROUP as ANALYZER_GROUP
from analysis.idle import Settings as IdleSettings
from analysis.idle_minutes import IdleRule
from collectors import COLLECTORS
from collectors import GROUP as COLLECTOR_GROUP
from service.config import Settings
from service.config.parts import load_class, settings_model
from service.config.sections import ChannelEntry, CollectorEntry
from spendwatt import clock as clocks
from spendwatt import plugins
from spendwatt.clock import Clock
from spendwatt.estate import Estate
from storage.engine import Store, open_store

DEFAULT_EVERY = timedelta(hours=6)
SAMPLED_EVERY = timedelta(minutes=1)
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Source:
    """A configured collector: what it does stands in its protocols, when in its entry."""

    entry: CollectorEntry
    collector: Any
    """Offers `deliveries`, `readings`, `prices`, or samples on its own."""

    @property
    def name(self) -> str:
        """Give the name under which it is configured."""
        return self.entry.name

    @property
    def content(self) -> str:
        """Tell what it brings: `bills` or `readings`."""
        return "bills" if hasattr(self.collector, "deliveries") else "readings"

    @property
    def is_asked(self) -> bool:
        """Tell whether it is asked on a schedule; a sampler runs all the time."""
        return hasattr(self.collector, "deliveries") or hasattr(self.collector, "readings")

    @property
    def every(self) -> timedelta:
        """Give how often it is asked; for a cron schedule, about how often."""
        if not self.is_asked:
            return SAMPLED_EVERY
        if self.entry.schedule is None:
            return self.entry.every or DEFAULT_EVERY
        trigger = CronTrigger.from_crontab(self.entry.schedule, timezone="UTC")
        first = trigger.get_next_fire_time(None, _ANY_DAY)
        second = first and trigger.get_next_fire_time(first, first)
        return second - first if first and second else DEFAULT_EVERY


@dataclass(frozen=True, slots=True)
class Wired:
    """Everything that the daemon and the commands work with."""

    settings: Settings
    store: Store
    estate: Estate
    clock: Clock
    sources: Mapping[str, Source]
    analyzers: Mapping[str, Analyzer]
    channels: Mapping[str, Channel]
    routes: Sequence[Route]

    @property
    def idle_rule(self) -> IdleRule:
        """Give the rule by which idle stretches are found."""
        chosen = self.settings.analysis.analyzers.get("idle")
        return (chosen or IdleSettings()).rule()


def build(settings: Settings, store: Store, *, clock: Clock = clocks.now) -> Wired:
    """Build everything from checked settings. Touches neither network nor database."""
    return Wired(
        settings=settings,
        store=store,
        estate=settings.estate(),
        clock=clock,
        sources={entry.name: source(entry) for entry in settings.collectors},
        analyzers=analyzers(settings),
        channels={entry.name: channel(entry) for entry in settings.alerts.channels},
        routes=[Route(way.channel, way.filter) for way in settings.alerts.routes],
    )


def source(entry: CollectorEntry) -> Source:
    """Build one collector."""
    made = load_class(COLLECTORS, COLLECTOR_GROUP, entry.kind)(entry.name, entry.settings)
    return Source(entry, made)


def channel(entry: ChannelEntry) -> Channel:
    """Build one channel."""
    made: Channel = load_class(CHANNELS, CHANNEL_GROUP, entry.kind)(entry.settings)
    return made


def analyzers(settings: Settings) -> dict[str, Analyzer]:
    """Build every analyzer, configured or not: each has defaults that are a good start."""
    made: dict[str, Analyzer] = {}
    for name in plugins.names(ANALYZERS, ANALYZER_GROUP):
        part = load_class(ANALYZERS, ANALYZER_GROUP, name)
        made[name] = part(settings.analysis.analyzers.get(name) or settings_model(part)())
    return made


def open_database(settings: Settings) -> Store:
    """Open the database of the settings. Raises ConfigError."""
    return open_store(settings.storage.address())
