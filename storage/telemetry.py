"""Saves the minutes of GPUs: each replaces that of its key, and its hour is rebuilt."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Connection, select

from spendwatt.records import MinuteReading
from storage import gpus, ownership, partitions
from storage.engine import Store
from storage.minute_rows import minute_row, problem_of
from storage.replace import replace_rows
from storage.retention import DEFAULT, Keeps, first_minute
from storage.roll_up import rebuild_hours
from storage.sealed import Sealed
from storage.steps import MINUTE, MINUTES_PER_DAY, MINUTES_PER_HOUR, number_of, start_of
from storage.tables.telemetry import gpu_change, gpu_minute, gpu_xid, roll_up_due

TOO_OLD = "older than minutes are kept"
FUTURE = "in the future"
SEALED = "before the minutes that are kept, in an hour that is complete"

_BATCH = 10_000
CLOCK_SKEW = timedelta(minutes=5)
"""So much may a host's clock be ahead of ours."""

_Minutes = dict[tuple[int, int], MinuteReading]
"""(minute, gpu_id) -> its reading."""


@dataclass(frozen=True, slots=True)
class SaveReport:
    """How many minutes were saved, and how many were refused for which reason."""

    saved: int
    refused: Mapping[str, int] = field(default_factory=dict)


class Mark(NamedTuple):
    """Where a source stopped reading a GPU, and what the energy counter was there."""

    at: datetime
    counter_joules: float | None


def save(
    store: Store,
    source: str,
    minutes: Iterable[MinuteReading],
    *,
    now: datetime,
    history: bool = False,
    retention: Keeps = DEFAULT,
) -> SaveReport:
    """Save minutes in batches, each one transaction, and rebuild the hours that they touch.

    A collector's minutes from before the time that minutes are kept are refused: their hours are
    complete. An import (`history`) may bring any age, but nothing into an hour of which only the
    roll-up is left. Raises StorageError.
    """
    oldest = 0 if history else first_minute(retention, now)
    saved, refused = 0, Counter[str]()
    for batch in _batches(minutes):
        good = [r for r in batch if not _is_refused(r, oldest, now + CLOCK_SKEW, refused)]
        if good:
            with store.write() as connection:
                saved += _save(connection, source, good, refused, history=history)
    return SaveReport(saved, dict(refused))


def marks(store: Store, source: str) -> dict[str, Mark]:
    """Give where the source stopped reading each GPU, by UUID: it goes on from there."""
    with store.read() as connection:
        spans = ownership.newest(connection, source)
    return {
        uuid: Mark(start_of(span.last + 1, MINUTE), span.counter_joules)
        for uuid, span in spans.items()
    }


def newest(store: Store, source: str) -> datetime | None:
    """Give the end of the newest minute that the source wrote, None where it wrote none."""
    return max((mark.at for mark in marks(store, source).values()), default=None)


def _batches(minutes: Iterable[MinuteReading]) -> Iterator[list[MinuteReading]]:
    iterator = iter(minutes)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


def _is_refused(
    reading: MinuteReading, oldest: int, latest: datetime, refused: Counter[str]
) -> bool:
    problem = problem_of(reading)
    if problem is None and reading.minute_at > latest:
        problem = FUTURE
    if problem is None and number_of(reading.minute_at, MINUTE) < oldest:
        problem = TOO_OLD
    if problem is not None:
        refused[problem] += 1
    return problem is not None


def _save(
    connection: Connection,
    source: str,
    readings: list[MinuteReading],
    refused: Counter[str],
    *,
    history: bool,
) -> int:
    ids = gpus.identify(connection, (r.gpu for r in readings), may_correct=not history)
    minutes = {(number_of(r.minute_at, MINUTE), ids[r.gpu.uuid]): r for r in readings}
    numbers = [minute for minute, _ in minutes]
    spans = ownership.load(connection, set(ids.values()), min(numbers), max(numbers))
    _refuse_owned(minutes, spans, source, refused)
    if history:
        _refuse_sealed(connection, minutes, refused)
    if minutes:
        _write(connection, minutes)
        _write_spans(connection, minutes, spans, source)
        # Last, and in order: every host's batch locks the same hour until its transaction ends.
        hours = sorted({minute // MINUTES_PER_HOUR for minute, _ in minutes})
        replace_rows(connection, roll_up_due, [(hour,) for hour in hours])
    return len(minutes)


def _refuse_owned(
    minutes: _Minutes, spans: Mapping[int, list[ownership.Span]], source: str, refused: Counter[str]
) -> None:
    for key in list(minutes):
        minute, gpu_id = key
        owner = ownership.owner_of(spans[gpu_id], source, minute)
        if owner is not None:
            refused[f'reported by the source "{owner}" already'] += 1
            del minutes[key]


def _refuse_sealed(connection: Connection, minutes: _Minutes, refused: Counter[str]) -> None:
    sealed = Sealed.find(connection, minutes)
    for key in [key for key in minutes if sealed.holds(*key)]:
        refused[SEALED] += 1
        del minutes[key]


def _write(connection: Connection, minutes: _Minutes) -> None:
    numbers = {minute for minute, _ in minutes}
    partitions.ensure(connection, {minute // MINUTES_PER_DAY for minute in numbers})
    # In the order of the key, which is that of SQLite's pages.
    rows = [minute_row(*key, minutes[key]) for key in sorted(minutes)]
    replace_rows(connection, gpu_minute, rows)
    xids = [
        (gpu_id, minute, xid, times)
        for (minute, gpu_id), reading in minutes.items()
        for xid, times in Counter(reading.xids).items()
    ]
    replace_rows(connection, gpu_xid, xids)
    touched = defaultdict(set)
    for minute, gpu_id in minutes:
        touched[minute // MINUTES_PER_HOUR].add(gpu_id)
    rebuild_hours(connection, touched)
    _note_changes(connection, minutes)


def _write_spans(
    connection: Connection,
    minutes: _Minutes,
    spans: Mapping[int, list[ownership.Span]],
    source: str,
) -> None:
    written: dict[int, dict[int, float | None]] = defaultdict(dict)
    for (minute, gpu_id), reading in minutes.items():
        written[gpu_id][minute] = reading.counter_joules_at_end
    now, gone = {}, {}
    for gpu_id, counters in written.items():
        now[gpu_id], gone[gpu_id] = ownership.extend(spans[gpu_id], source, counters)
    ownership.save(connection, now, gone)


def _note_changes(connection: Connection, minutes: _Minutes) -> None:
    """Widen the span of minutes of each GPU whose idle stretches are to be found again."""
    changed: dict[int, list[int]] = defaultdict(list)
    for minute, gpu_id in minutes:
        changed[gpu_id].append(minute)
    rows = connection.execute(select(gpu_change).where(gpu_change.c.gpu_id.in_(changed)))
    before = {row.gpu_id: row for row in rows}
    spans = []
    for gpu_id, numbers in changed.items():
        old = before.get(gpu_id)
        first = min(numbers) if old is None else min(*numbers, old.from_minute)
        last = max(numbers) if old is None else max(*numbers, old.to_minute)
        spans.append((gpu_id, first, last, 1 if old is None else old.revision + 1))
    replace_rows(connection, gpu_change, spans)
