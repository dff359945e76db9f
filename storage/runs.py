"""Keeps each try of a job: when it began, when it last showed life, how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from storage.tables.service import run as table

_RECENT = 100  # failures in a row are counted up to this many tries back


class Outcome(StrEnum):
    """How a run ended."""

    OK = "ok"
    FAILED = "failed"
    ABANDONED = "abandoned"
    """Its process died; found so when the next daemon started."""


@dataclass(frozen=True, slots=True)
class Run:
    """One try of a job. `outcome` and `finished_at` are None while it lasts."""

    id: int
    name: str
    started_at: datetime
    touched_at: datetime
    finished_at: datetime | None
    outcome: Outcome | None
    rows: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class LastRuns:
    """How a job stands: its newest try, its newest success, and its failures since."""

    newest: Run
    last_ok: Run | None
    failures_in_a_row: int
    """Ended tries since the newest success that failed or were abandoned."""
    failing_since: datetime | None
    """Start of the first of those."""
    last_error: str | None
    """What the newest of those said; None where its process died."""


def start(connection: Connection, name: str, now: datetime) -> int:
    """Record that a try begins; give its id."""
    values = {"name": name, "started_at": now, "touched_at": now}
    result = connection.execute(insert(table).values(values).returning(table.c.id))
    return int(result.scalar_one())


def touch(connection: Connection, run_id: int, now: datetime, *, rows: int | None = None) -> None:
    """Record that a run still lives; `rows` is its count so far."""
    values: dict[str, Any] = {"touched_at": now} | ({} if rows is None else {"rows": rows})
    connection.execute(update(table).where(table.c.id == run_id).values(values))


def finish(
    connection: Connection,
    run_id: int,
    now: datetime,
    *,
    rows: int | None = None,
    error: str | None = None,
) -> None:
    """Record how a try ended: failed where there is an `error`, else ok."""
    outcome = Outcome.OK if error is None else Outcome.FAILED
    values: dict[str, Any] = {"touched_at": now, "finished_at": now, "outcome": outcome}
    values |= {"error": error} | ({} if rows is None else {"rows": rows})
    connection.execute(update(table).where(table.c.id == run_id).values(values))


def abandon(connection: Connection, now: datetime) -> int:
    """Close every open run, as the daemon does when it starts; give how many there were."""
    closed = {"finished_at": now, "outcome": Outcome.ABANDONED}
    result = connection.execute(update(table).where(table.c.outcome.is_(None)).values(closed))
    return result.rowcount


def last_runs(connection: Connection, names: Sequence[str] | None = None) -> dict[str, LastRuns]:
    """Give how each job stands (or each of `names`), by name; one that never ran is left out."""
    query = select(table.c.name).distinct().order_by(table.c.name)
    if names is not None:
        query = query.where(table.c.name.in_(names))
    return {name: _last(connection, name) for name in connection.scalars(query).all()}


def recent(connection: Connection, name: str, limit: int = _RECENT) -> list[Run]:
    """Give the newest tries of a job, newest first."""
    query = select(table).where(table.c.name == name).order_by(table.c.id.desc()).limit(limit)
    return [_run(row) for row in connection.execute(query)]


def prune(connection: Connection, before: datetime) -> int:
    """Forget runs that ended before a moment, but each job's newest and newest success."""
    kept = [
        select(func.max(table.c.id)).where(condition).group_by(table.c.name)
        for condition in (table.c.id > 0, table.c.outcome == Outcome.OK)
    ]
    old = table.c.finished_at < before
    result = connection.execute(
        delete(table).where(old, table.c.id.not_in(kept[0]), table.c.id.not_in(kept[1]))
    )
    return result.rowcount


def _last(connection: Connection, name: str) -> LastRuns:
    tries = recent(connection, name)
    query = select(table).where(table.c.name == name, table.c.outcome == Outcome.OK)
    row = connection.execute(query.order_by(table.c.id.desc()).limit(1)).first()
    last_ok = None if row is None else _run(row)
    since = 0 if last_ok is None else last_ok.id
    failures = [run for run in tries if run.id > since and run.outcome is not None]
    return LastRuns(
        newest=tries[0],
        last_ok=last_ok,
        failures_in_a_row=len(failures),
        failing_since=failures[-1].started_at if failures else None,
        last_error=failures[0].error if failures else None,
    )


def _run(row: Row[Any]) -> Run:
    return Run(
        id=row.id,
        name=row.name,
        started_at=row.started_at,
        touched_at=row.touched_at,
        finished_at=row.finished_at,
        outcome=Outcome(row.outcome) if row.outcome else None,
        rows=row.rows,
        error=row.error,
    )
