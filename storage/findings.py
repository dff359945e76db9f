"""Keeps what analyzers saw: which findings are open, which are over, and how each came to be so."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select, update

from spendwatt.errors import StorageError, UsageError
from spendwatt.finding_filter import check_fields, subject
from spendwatt.query import Filter, matches
from spendwatt.records import Finding, Severity
from spendwatt.window import Window
from storage.finding_rows import StoredFinding, amount_of, nano_of, stored_of, values_of
from storage.tables.service import finding as table
from storage.tables.service import finding_event as event_table

__all__ = [
    "Changes",
    "FindingEvent",
    "FindingPage",
    "StoredFinding",
    "by_ids",
    "get",
    "history",
    "newest",
    "open_findings",
    "save",
    "search",
]

_CHUNK = 500  # ids in one IN list: below every engine's limit of parameters
_PREFIX = re.compile(r"^[0-9a-f]{4,16}$")


@dataclass(frozen=True, slots=True)
class FindingEvent:
    """A change in a finding's life: `opened`, `severity_changed` or `resolved`."""

    at: datetime
    event: str
    severity: Severity
    money_at_stake: Decimal | None


@dataclass(frozen=True, slots=True)
class Changes:
    """Ids of what one save changed; `opened` holds new ones and those that came back."""

    opened: tuple[str, ...]
    updated: tuple[str, ...]
    resolved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindingPage:
    """One page of a search, and how many there are in all."""

    findings: tuple[StoredFinding, ...]
    total: int


def save(
    connection: Connection,
    analyzer_kinds: Collection[str],
    findings: Sequence[Finding],
    now: datetime,
) -> Changes:
    """Make `findings` all that is open of these kinds; those no longer among them are resolved.

    A finding that was over opens a new episode. Raises StorageError for a finding of another kind,
    or two with the same kind and labels.
    """
    present = _by_id(analyzer_kinds, findings)
    before = _before(connection, analyzer_kinds, present)
    was_open = {id_ for id_, stored in before.items() if stored.resolved_at is None}
    for id_, finding in present.items():
        if id_ not in before:
            _insert(connection, finding, now)
        elif id_ not in was_open:
            _reopen(connection, finding, before[id_].episodes + 1, now)
        else:
            _update(connection, before[id_].finding, finding, now)
    over = [id_ for id_ in before if id_ in was_open and id_ not in present]
    for id_ in over:
        _resolve(connection, before[id_], now)
    return Changes(
        opened=tuple(id_ for id_ in present if id_ not in was_open),
        updated=tuple(id_ for id_ in present if id_ in was_open),
        resolved=tuple(over),
    )


def open_findings(connection: Connection, kinds: Collection[str] | None = None) -> list[Finding]:
    """Give all open findings (of these kinds), in the order in which they were first seen."""
    query = select(table).where(table.c.resolved_at.is_(None))
    if kinds is not None:
        query = query.where(table.c.kind.in_(kinds))
    rows = connection.execute(query.order_by(table.c.seen_at, table.c.id))
    return [stored_of(row).finding for row in rows]


def by_ids(connection: Connection, ids: Iterable[str]) -> dict[str, StoredFinding]:
    """Give those of the findings that are stored."""
    wanted = sorted(set(ids))
    found = {}
    for start in range(0, len(wanted), _CHUNK):
        chosen = table.c.id.in_(wanted[start : start + _CHUNK])
        found.update(
            {row.id: stored_of(row) for row in connection.execute(select(table).where(chosen))}
        )
    return found


def get(connection: Connection, id_or_prefix: str) -> StoredFinding | None:
    """Give the finding with this id, or the only one whose id starts so; None if there is none.

    Raises UsageError for what is not 4 to 16 hex digits, or a prefix that several ids share.
    """
    if not _PREFIX.match(id_or_prefix):
        raise UsageError(
            f'"{id_or_prefix[:40]}" is not the id of a finding',
            do="Give the 16 hex digits that `spendwatt findings` shows, or at least the first 4",
            parameter="id",
        )
    query = select(table).where(table.c.id.startswith(id_or_prefix)).limit(2)
    rows = connection.execute(query).all()
    if len(rows) > 1:
        raise UsageError(
            f"several findings' ids start with {id_or_prefix}",
            do="Give more digits",
            parameter="id",
        )
    return stored_of(rows[0]) if rows else None


def newest(connection: Connection) -> datetime | None:
    """Give the moment as of which findings were last saved; None where there are none."""
    latest = func.max(func.coalesce(table.c.resolved_at, table.c.updated_at))
    newest_at: datetime | None = connection.execute(select(latest)).scalar_one()
    return newest_at


def history(connection: Connection, id_: str) -> list[FindingEvent]:
    """Give every change in the finding's life, oldest first."""
    query = select(event_table).where(event_table.c.finding_id == id_).order_by(event_table.c.id)
    return [
        FindingEvent(row.at, row.event, Severity(row.severity), amount_of(row.money_nano))
        for row in connection.execute(query)
    ]


def search(
    connection: Connection,
    filter_: Filter | None = None,
    *,
    window: Window | None = None,
    limit: int = 1_000,
    offset: int = 0,
) -> FindingPage:
    """Find findings, open ones first, newest first; `window` keeps those that it touches.

    Raises UsageError where the filter asks for what findings do not have.
    """
    check_fields(filter_)
    found = [
        stored
        for stored in _in_window(connection, window)
        if matches(filter_, subject(stored.finding, stored.state))
    ]
    return FindingPage(tuple(found[offset : offset + limit]), len(found))


def _in_window(connection: Connection, window: Window | None) -> Iterator[StoredFinding]:
    # The filter runs here and not in SQL, so that it means the same as in routes and silences;
    # findings are thousands at most.
    query = select(table).order_by(
        table.c.resolved_at.is_not(None), table.c.seen_at.desc(), table.c.id
    )
    if window is not None:
        ended = or_(table.c.resolved_at.is_(None), table.c.resolved_at >= window.start)
        query = query.where(table.c.seen_at < window.end, ended)
    for row in connection.execute(query):
        yield stored_of(row)


def _by_id(kinds: Collection[str], findings: Sequence[Finding]) -> dict[str, Finding]:
    found: dict[str, Finding] = {}
    for finding in findings:
        if finding.kind not in kinds:
            raise StorageError(
                f"a finding of kind {finding.kind} came from an analyzer that gives "
                f"{', '.join(kinds)}",
                do="Add the kind to the analyzer's `kinds`",
            )
        if finding.id in found:
            raise StorageError(
                f"two findings of kind {finding.kind} have the labels {dict(finding.labels)}",
                do="Make the analyzer give one, or tell them apart by a label",
            )
        found[finding.id] = finding
    return found


def _before(
    connection: Connection, kinds: Collection[str], present: Iterable[str]
) -> dict[str, StoredFinding]:
    still_open = table.c.resolved_at.is_(None) & table.c.kind.in_(kinds)
    rows = connection.execute(select(table).where(still_open).order_by(table.c.seen_at, table.c.id))
    return {row.id: stored_of(row) for row in rows} | by_ids(connection, present)


def _insert(connection: Connection, finding: Finding, now: datetime) -> None:
    values = values_of(finding) | {"id": finding.id, "kind": finding.kind}
    values |= {"labels": dict(finding.labels), "seen_at": now, "updated_at": now, "episodes": 1}
    connection.execute(insert(table).values(values))
    _record(connection, "opened", finding, now)


def _reopen(connection: Connection, finding: Finding, episodes: int, now: datetime) -> None:
    lives = {"seen_at": now, "updated_at": now, "resolved_at": None, "episodes": episodes}
    connection.execute(update(table).where(_is(finding)).values(values_of(finding) | lives))
    _record(connection, "opened", finding, now)


def _update(connection: Connection, before: Finding, finding: Finding, now: datetime) -> None:
    values = values_of(finding) | {"updated_at": now}
    connection.execute(update(table).where(_is(finding)).values(values))
    if before.severity is not finding.severity:
        _record(connection, "severity_changed", finding, now)


def _resolve(connection: Connection, stored: StoredFinding, now: datetime) -> None:
    # A judgement of the past (`--as-of`) may end what was first seen after it.
    ended_at = max(now, stored.seen_at)
    connection.execute(update(table).where(_is(stored.finding)).values(resolved_at=ended_at))
    _record(connection, "resolved", stored.finding, ended_at)


def _record(connection: Connection, event: str, finding: Finding, at: datetime) -> None:
    connection.execute(
        insert(event_table).values(
            finding_id=finding.id,
            at=at,
            event=event,
            severity=finding.severity.value,
            money_nano=nano_of(finding.money_at_stake),
        )
    )


def _is(finding: Finding) -> ColumnElement[bool]:
    return table.c.id == finding.id
