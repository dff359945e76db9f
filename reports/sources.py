"""Where the figures come from: last runs, freshness and quality of each source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from reports.contract import Report, page
from spendwatt.clock import midnight, utc_day
from spendwatt.estate import Estate
from spendwatt.query import Query
from spendwatt.table import Column, DataStatus, Table
from storage import runs
from storage.engine import Store
from storage.queries.news import last_news
from storage.queries.quality import Quality
from storage.queries.sources import BillSource, sources
from storage.runs import LastRuns

_PREFIX = "collect:"
"""What the names of collectors' jobs begin with."""
_DAY = timedelta(days=1)
_MAX_QUARANTINED = 20
"""Line items that are named of each billing period."""

COLUMNS = (
    Column("source", "text", "The collector's name, or the import's."),
    Column("brings", "text", "`bills` or `readings`; null while it brought nothing."),
    Column("last_delivery_at", "time", "When it last brought something new."),
    Column("last_seen_at", "time", "When it was last read, changed or not."),
    Column("known_up_to", "day", "Newest UTC day of which anything is known."),
    Column("lag_hours", "number", "Time from the end of that day, or minute, to now.", "h"),
    Column("rows", "integer", "Line items of all current deliveries."),
    Column("quarantined", "integer", "Line items that could not be read; they are in no sum."),
    Column("last_run_at", "time", "When its job last began."),
    Column("last_run", "text", "How that ended: ok, failed or abandoned; running while it lasts."),
    Column("last_ok_at", "time", "When its job last ended well."),
    Column("failures_in_a_row", "integer", "Runs that failed since."),
    Column("error", "text", "What failed last, and what to do."),
    Column("absent_periods", "object", "Billing months that its newest snapshot lacks; kept."),
    Column("rejected_periods", "object", "Billing months whose newest version was refused."),
    Column("quality", "object", "By billing month: what to know, and what was left out."),
)
_NAMES = [column.name for column in COLUMNS]


class Sources(Report):
    """The report `sources`."""

    summary = "Where do the figures come from, how fresh and how good is each source?"
    columns = COLUMNS

    def run(self, query: Query, store: Store, estate: Estate) -> Table:
        """Answer as of now."""
        del estate
        with store.read() as connection:
            bills = {source.name: source for source in sources(connection)}
            news = last_news(connection, query.as_of)
            jobs = _jobs(runs.last_runs(connection))
        read = {one.source: one.at for one in news if one.content == "readings"}
        rows = [
            dict.fromkeys(_NAMES)
            | {"source": name}
            | (_bills(bills[name], query) if name in bills else {})
            | (_readings(read[name], query) if name in read else {})
            | (_job(jobs[name]) if name in jobs else {})
            for name in {*bills, *read, *jobs}
        ]
        failing = sorted(name for name, job in jobs.items() if job.failures_in_a_row)
        return Table(
            columns=COLUMNS,
            rows=page(rows, query, "source"),
            total_rows=len(rows),
            status=DataStatus.INCOMPLETE if failing else DataStatus.COMPLETE,
            notes=tuple(f"{name}: its last run failed." for name in failing),
        )


def _jobs(last: Mapping[str, LastRuns]) -> dict[str, LastRuns]:
    return {
        name.removeprefix(_PREFIX): job for name, job in last.items() if name.startswith(_PREFIX)
    }


def _bills(source: BillSource, query: Query) -> dict[str, Any]:
    known_until = None if source.last_day is None else midnight(source.last_day + _DAY)
    return {
        "brings": "bills",
        "last_delivery_at": source.last_delivery_at,
        "last_seen_at": source.last_seen_at,
        "known_up_to": source.last_day,
        "lag_hours": _lag(known_until, query),
        "rows": source.rows,
        "quarantined": source.quarantined,
        "absent_periods": list(source.absent_periods),
        "rejected_periods": list(source.rejected_periods),
        "quality": [_quality(one) for one in source.quality if one.notes or one.quarantined],
    }


def _readings(at: datetime, query: Query) -> dict[str, Any]:
    return {
        "brings": "readings",
        "last_delivery_at": at,
        "last_seen_at": at,
        "known_up_to": utc_day(at),
        "lag_hours": _lag(at, query),
    }


def _lag(until: datetime | None, query: Query) -> float | None:
    if until is None:
        return None
    return round(max(query.as_of - until, timedelta(0)) / timedelta(hours=1), 2)


def _quality(one: Quality) -> dict[str, Any]:
    return {
        "billing_period": f"{one.billing_period:%Y-%m}",
        "state": one.state,
        "reason": one.reason,
        "notes": [asdict(note) for note in one.notes],
        "quarantined": [asdict(row) for row in one.quarantined_rows[:_MAX_QUARANTINED]],
    }


def _job(job: LastRuns) -> dict[str, Any]:
    return {
        "last_run_at": job.newest.started_at,
        "last_run": job.newest.outcome.value if job.newest.outcome else "running",
        "last_ok_at": job.last_ok.finished_at if job.last_ok else None,
        "failures_in_a_row": job.failures_in_a_row,
        "error": job.last_error,
    }
