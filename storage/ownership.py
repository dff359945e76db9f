"""Which source owns a GPU when: the first one, until it has been silent for a quarter of an hour.

Two sources that report the same GPU would count it twice. Ownership is a set of spans of minutes,
so that an import may bring what lies before a collector's time, or in one of its long silences.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, func, select, tuple_

from storage.replace import replace_rows
from storage.tables.telemetry import gpu, gpu_owner

SILENCE_MINUTES = 15


class Span(NamedTuple):
    """The minutes from `first` to `last`, and the energy counter at their end."""

    first: int
    last: int
    source: str
    counter_joules: float | None = None

    def claims(self, minute: int) -> bool:
        """Tell whether the minute is this source's alone."""
        return self.first <= minute < self.last + SILENCE_MINUTES


def load(
    connection: Connection, gpu_ids: Collection[int], first: int, last: int
) -> dict[int, list[Span]]:
    """Give the spans of GPUs that can bear on the minutes from `first` to `last`."""
    columns = gpu_owner.c
    rows = connection.execute(
        select(
            columns.gpu_id,
            columns.first_minute,
            columns.last_minute,
            columns.source,
            columns.counter_joules,
        ).where(
            columns.gpu_id.in_(gpu_ids),
            columns.last_minute >= first - SILENCE_MINUTES,
            columns.first_minute <= last + SILENCE_MINUTES,
        )
    )
    spans: dict[int, list[Span]] = {gpu_id: [] for gpu_id in gpu_ids}
    for gpu_id, *span in rows:
        spans[gpu_id].append(Span(*span))
    return spans


def owner_of(spans: Iterable[Span], source: str, minute: int) -> str | None:
    """Give the other source that the minute belongs to, None where `source` may write it."""
    return next((s.source for s in spans if s.source != source and s.claims(minute)), None)


def extend(
    spans: Iterable[Span], source: str, written: Mapping[int, float | None]
) -> tuple[list[Span], list[Span]]:
    """Add the minutes that `source` wrote, each with its counter, to its spans.

    Gives the spans as they are now, and those of before that they have taken in.
    """
    own = [span for span in spans if span.source == source]
    new = [Span(minute, minute, source, counter) for minute, counter in written.items()]
    merged: list[Span] = []
    for span in sorted(own + new, key=lambda s: (s.first, s.last)):
        if merged and merged[-1].claims(span.first):
            before = merged.pop()
            later = span if span.last >= before.last else before
            merged.append(later._replace(first=before.first))
        else:
            merged.append(span)
    kept = {span.first for span in merged}
    return merged, [span for span in own if span.first not in kept]


def save(
    connection: Connection, spans: Mapping[int, list[Span]], gone: Mapping[int, list[Span]]
) -> None:
    """Write spans, and remove those that others have taken in."""
    keys = [(gpu_id, span.first) for gpu_id, taken in gone.items() for span in taken]
    if keys:
        key = tuple_(gpu_owner.c.gpu_id, gpu_owner.c.first_minute)
        connection.execute(delete(gpu_owner).where(key.in_(keys)))
    rows = [
        (gpu_id, span.first, span.last, span.source, span.counter_joules)
        for gpu_id, own in spans.items()
        for span in own
    ]
    replace_rows(connection, gpu_owner, rows)


def newest(connection: Connection, source: str) -> dict[str, Span]:
    """Give the newest span of each GPU that the source owned, by the GPU's UUID."""
    owner = gpu_owner.c
    last = (
        select(owner.gpu_id, func.max(owner.last_minute).label("minute"))
        .where(owner.source == source)
        .group_by(owner.gpu_id)
        .subquery()
    )
    rows = connection.execute(
        select(
            gpu.c.uuid, owner.first_minute, owner.last_minute, owner.source, owner.counter_joules
        )
        .join(last, and_(owner.gpu_id == last.c.gpu_id, owner.last_minute == last.c.minute))
        .join(gpu, gpu.c.gpu_id == owner.gpu_id)
        .where(owner.source == source)
    )
    return {uuid: Span(*span) for uuid, *span in rows}
