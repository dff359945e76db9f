"""Knows the hours and days of which only the roll-up is left: nothing may be added to them.

Rebuilding one from a few minutes that came late would replace the whole by a part.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Self

from sqlalchemy import Column, Connection, Table, select

from storage.steps import HOURS_PER_DAY, MINUTES_PER_HOUR
from storage.tables.telemetry import gpu_day, gpu_hour, gpu_minute

_Keys = set[tuple[int, int]]
"""(number of the step, gpu_id)."""


class Sealed:
    """The sealed ones among the steps that some minutes lie in."""

    def __init__(self, hours: _Keys, days: _Keys) -> None:
        self._hours = hours
        self._days = days

    @classmethod
    def find(cls, connection: Connection, minutes: Collection[tuple[int, int]]) -> Self:
        """Look up the hours and days of (minute, gpu_id) pairs."""
        hours = {(minute // MINUTES_PER_HOUR, gpu_id) for minute, gpu_id in minutes}
        days = {(hour // HOURS_PER_DAY, gpu_id) for hour, gpu_id in hours}
        return cls(
            _left_alone(connection, hours, gpu_hour, gpu_minute, MINUTES_PER_HOUR),
            _left_alone(connection, days, gpu_day, gpu_hour, HOURS_PER_DAY),
        )

    def holds(self, minute: int, gpu_id: int) -> bool:
        """Tell whether the minute lies in a sealed hour or day."""
        hour = minute // MINUTES_PER_HOUR
        return (hour, gpu_id) in self._hours or (hour // HOURS_PER_DAY, gpu_id) in self._days


def _left_alone(
    connection: Connection, steps: _Keys, whole: Table, parts: Table, length: int
) -> _Keys:
    """Give the steps that have a row in `whole` and none in `parts`, whose steps are shorter."""
    if not steps:
        return set()
    gpu_ids = {gpu_id for _, gpu_id in steps}
    first, last = min(steps)[0], max(steps)[0]
    step: Column[int] = next(iter(whole.primary_key))
    part: Column[int] = next(iter(parts.primary_key))
    there = connection.execute(
        select(step, whole.c.gpu_id).where(step.between(first, last), whole.c.gpu_id.in_(gpu_ids))
    )
    alive = connection.execute(
        select(part // length, parts.c.gpu_id)
        .where(part.between(first * length, (last + 1) * length - 1), parts.c.gpu_id.in_(gpu_ids))
        .distinct()
    )
    return steps & {(n, g) for n, g in there} - {(n, g) for n, g in alive}
