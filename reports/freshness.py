"""How far bills are known: the status and the notes of every report about spend."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection

from spendwatt.clock import utc_day
from spendwatt.query import Query
from spendwatt.table import DataStatus
from storage.queries.known_days import KnownDays, known_days

NO_BILLS = "No bills are stored yet: `spendwatt import bill PATH` brings some in."


_ENDED_AFTER = timedelta(days=45)
"""A source without usage for so long before the window is taken to have ended."""


def freshness(connection: Connection, query: Query) -> tuple[DataStatus, tuple[str, ...]]:
    """Tell whether every source knows all days of the window up to today, and which does not."""
    known = known_days(connection)
    if not known:
        return DataStatus.INCOMPLETE, (NO_BILLS,)
    tomorrow = utc_day(query.as_of) + timedelta(days=1)
    end = min(query.window.end_day, tomorrow)
    late = [one for one in known if _is_late(one, query.window.start_day, end)]
    notes = [f"{one.source}: known up to {one.last_day}." for one in late]
    notes += [
        f"{one.source}: {one.quarantined:,} line items could not be read and are not in here; "
        "the report `sources` tells why."
        for one in known
        if one.quarantined
    ]
    # Today's usage is still being charged, however fresh a source is.
    is_open = query.window.end_day >= tomorrow
    status = DataStatus.INCOMPLETE if notes or is_open else DataStatus.COMPLETE
    return status, tuple(notes)


def _is_late(one: KnownDays, first: date, end: date) -> bool:
    if one.last_day is None:
        return True
    has_ended = one.last_day < first and end - one.last_day > _ENDED_AFTER
    return one.last_day < end - timedelta(days=1) and not has_ended
