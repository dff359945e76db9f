"""The way of a finding to a reader, from the store to the channel, as one list of steps."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from alerts import refusals
from alerts.channels import Channel
from alerts.delivery import Post, deliver
from alerts.lifecycle import Member, Told
from alerts.plan import Groups, Last, Planned, plan
from alerts.render import render
from alerts.retry import Jitter, Sleep
from alerts.routing import Route, group_of, route, to_all
from alerts.settings import AlertSettings, Display
from spendwatt.clock import Clock, rfc3339
from spendwatt.records import Finding
from storage import findings, notices, silences
from storage.engine import Store
from storage.findings import StoredFinding
from storage.notices import Intent, Notice
from storage.silences import Silence

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class NotifyReport:
    """What one pass did."""

    intended: int
    """Notices that were decided and recorded."""
    sent: int
    waiting: int
    """Notices of the configured channels that have not arrived yet."""
    expired: int
    """Notices that were given up, being no news any more."""
    refused: tuple[str, ...]
    """Channels that take nothing until somebody mends them."""


@dataclass(frozen=True, slots=True)
class _Known:
    """One consistent view of what is so and what was told."""

    groups: Groups
    last: Mapping[tuple[str, str], Last]
    open: Mapping[str, Finding]
    over: Mapping[str, StoredFinding]
    silences: Sequence[Silence]


def notify(
    store: Store,
    channels: Mapping[str, Channel],
    routes: Sequence[Route],
    *,
    clock: Clock,
    settings: AlertSettings | None = None,
    display: Display | None = None,
    sleep: Sleep = time.sleep,
    jitter: Jitter = random.random,
) -> NotifyReport:
    """Tell each channel what it should know and does not, and send again what did not arrive.

    Without routes every channel is told everything. Raises StorageError; a channel's failure is
    recorded, and a lasting one becomes a finding that the other channels are told at once.
    """
    settings, display = settings or AlertSettings(), display or Display()
    post = Post(store, settings, clock, sleep, jitter)
    ways = [way for way in routes or to_all(channels) if way.channel in channels]
    expired = _expire(store, settings, clock())
    intended = sent = 0
    is_news = True
    while is_news:
        now = clock()
        known = _load(store, channels, ways, settings, now)
        planned = plan(known.groups, known.last, known.open, known.silences, settings, now=now)
        intents = _write(planned, known, settings, display, now)
        intended += _record(store, intents)
        delivered = deliver(post, channels)
        sent += sum(one.sent for one in delivered.values())
        is_news = refusals.save(store, delivered, clock())
    return NotifyReport(intended, sent, _waiting(store, channels), expired, refusals.names(store))


def resume(store: Store, *, clock: Clock) -> int:
    """Make all that waits due again, as the daemon does once when it starts; give its number.

    What a dead process had under way is sent again with the same key, and refused channels are
    tried again.
    """
    with store.write() as connection:
        return notices.release(connection, clock())


def _load(
    store: Store,
    channels: Collection[str],
    ways: Sequence[Route],
    settings: AlertSettings,
    now: datetime,
) -> _Known:
    with store.read() as connection:
        is_open = {finding.id: finding for finding in findings.open_findings(connection)}
        groups = route(is_open.values(), ways, settings.group_by)
        newest = notices.newest(connection, {group.id for _, group in groups})
        last = {place: _last(one) for place, one in newest.items() if place[0] in channels}
        told = {id_ for one in last.values() for id_ in one.told.members}
        over = findings.by_ids(connection, told - is_open.keys())
        return _Known(groups, last, is_open, over, silences.active(connection, now))


def _last(notice: Notice) -> Last:
    members = [Member.from_json(values) for values in notice.intent.members]
    told = Told({member.id: member for member in members}, notice.intent.intended_at)
    return Last(told, notice.intent.sequence)


def _write(
    planned: Iterable[Planned],
    known: _Known,
    settings: AlertSettings,
    display: Display,
    now: datetime,
) -> list[Intent]:
    return [_intent(one, known, settings, display, now) for one in planned]


def _intent(
    planned: Planned, known: _Known, settings: AlertSettings, display: Display, now: datetime
) -> Intent:
    decision = planned.decision
    over = [known.over[id_] for id_ in sorted(decision.resolved)]
    present = {id_: known.open[id_] for id_ in decision.members}
    some = next(iter(present.values()), None) or over[0].finding
    group = group_of(some, settings.group_by)
    message = render(decision, group, present, over, display=display, now=now)
    name = f"{planned.channel}\n{planned.group_key}\n{planned.sequence}\n{rfc3339(now)}"
    return Intent(
        key=hashlib.sha256(name.encode()).hexdigest()[:32],
        channel=planned.channel,
        group_key=planned.group_key,
        sequence=planned.sequence,
        reason=decision.reason.value,
        severity=message.severity,
        members=[member.to_json() for member in decision.members.values()],
        message=message.to_json(),
        intended_at=now,
    )


def _record(store: Store, intents: Sequence[Intent]) -> int:
    if not intents:
        return 0
    with store.write() as connection:
        return len(notices.intend(connection, intents))


def _expire(store: Store, settings: AlertSettings, now: datetime) -> int:
    too_old = now - settings.give_up_after
    with store.read() as connection:
        oldest = notices.waiting_since(connection)
    if oldest is None or oldest >= too_old:
        return 0
    with store.write() as connection:
        expired = notices.expire(connection, too_old, now)
    if expired:
        log.warning("notices given up", notices=expired, intended_before=rfc3339(too_old))
    return expired


def _waiting(store: Store, channels: Iterable[str]) -> int:
    with store.read() as connection:
        return sum(notices.waiting(connection, name) for name in channels)
