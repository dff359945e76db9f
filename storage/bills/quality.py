"""Decides whether a delivery is good enough to replace what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from spendwatt.clock import month_start, utc_day
from spendwatt.errors import InputError
from spendwatt.records import Delivery
from storage.bills.staging import Period, Read
from storage.bills.swap import Arriving, insert_delivery, lock, seen
from storage.engine import Store

MAX_BAD_SHARE = 0.10
"""Largest share of quarantined rows in a period that may replace what is stored."""

FEW = 5
"""So many bad rows are let pass beyond that share, where less than half of the rows are bad."""


def is_too_bad(bad: int, rows: int) -> bool:
    """Tell whether so many of all rows are bad that the old state is the better one."""
    return bad * 2 >= rows > 0 or (bad > FEW and bad > rows * MAX_BAD_SHARE)


def assigned(read: Read) -> Read:
    """Count rows whose period nobody can read into the newest period that has good ones."""
    counts = dict(read.quarantined)
    homeless = counts.pop(None, 0)
    if homeless and read.periods:
        newest = read.periods[-1]["period"]
        counts[newest] = counts.get(newest, 0) + homeless
    elif homeless:
        counts[None] = homeless
    return replace(read, quarantined=counts)


def judge(store: Store, arriving: Arriving, read: Read) -> None:
    """Refuse a delivery that is empty, or of which too much is unreadable in any period.

    What is refused is recorded as a rejected delivery, with the rows that were wrong. Raises
    InputError.
    """
    good = {each["period"]: each["rows"] for each in read.periods}
    for period in sorted({*good, *read.quarantined}, key=str):
        bad = read.quarantined.get(period, 0)
        rows = good.get(str(period), 0) + bad
        if is_too_bad(bad, rows):
            raise _rejected(store, arriving, read, period=period, bad=bad, rows=rows)
    if not good:
        raise InputError(
            "holds no line items",
            file=_names(arriving.delivery),
            do="Nothing was stored; check that the export is whole",
        )


def _rejected(
    store: Store,
    arriving: Arriving,
    read: Read,
    *,
    period: str | None,
    bad: int,
    rows: int,
) -> InputError:
    reason = f"{bad:,} of {rows:,} line items cannot be read"
    start = date.fromisoformat(period) if period else month_start(utc_day(arriving.now))
    with store.write() as connection:
        lock(connection, arriving.delivery.source, start)
        seen(connection, arriving)
        refused = Period(
            start=start,
            rows=rows - bad,
            quarantined=bad,
            first_day=None,
            last_day=None,
            totals=(),
            content="",
            notes=read.notes,
        )
        insert_delivery(connection, refused, arriving, arriving.received_at, reason=reason)
    first: Mapping[str, object] = read.examples[0] if read.examples else {}
    return InputError(
        f"{reason}; the first: {first.get('reason', 'unknown')}. "
        "The delivery was rejected whole, and what was stored before stands",
        file=str(first.get("file", _names(arriving.delivery))),
        line=_line(first.get("line")),
        column=str(first["column"]) if first.get("column") else None,
        do="Mend the export, then bring it in again; `spendwatt report sources` shows more",
    )


def _line(line: object) -> int | None:
    return line if isinstance(line, int) else None


def _names(delivery: Delivery) -> str:
    first, *others = (str(file.path) for file in delivery.files)
    return f"{first} and {len(others)} more" if others else first
