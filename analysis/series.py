"""Daily series out of the ledger: dense rows by service, account and total, day by day as known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.ledger import DAY_SECONDS, Ledger

ALL = "*"
"""Stands for every account or every service in the key of a rolled-up series."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Shorts = NDArray[np.int8]


class SeriesKey(NamedTuple):
    """What a series counts. `*` as service, account or provider means all of them."""

    provider: str
    account: str
    service: str
    currency: str

    @property
    def level(self) -> str:
        """Say how far it is rolled up: `service`, `account` or `total`."""
        if self.service != ALL:
            return "service"
        return "account" if self.account != ALL else "total"


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows of a grid each series of the ledger adds to."""

    keys: tuple[SeriesKey, ...]
    members: tuple[NDArray[np.int64], ...]
    """One array per level: place in `Ledger.series` -> row of the grid."""

    def level(self, name: str) -> Flags:
        """Mark the rows of one level."""
        return np.array([key.level == name for key in self.keys], dtype=np.bool_)


def rows_of(ledger: Ledger, *, roll_up: bool = True) -> Rows:
    """Give a row to each (provider, account, service, currency) and, rolled up, to their sums."""
    per_level = [[SeriesKey(p, a, s, c) for p, a, s, _, c in ledger.series]]
    if roll_up:
        per_level.append([SeriesKey(p, a, ALL, c) for p, a, _, _, c in ledger.series])
        per_level.append([SeriesKey(ALL, ALL, ALL, c) for _, _, _, _, c in ledger.series])
    keys: dict[SeriesKey, int] = {}
    for level in per_level:
        for key in sorted(set(level)):
            keys.setdefault(key, len(keys))
    members = tuple(np.array([keys[key] for key in level], dtype=np.int64) for level in per_level)
    return Rows(keys=tuple(keys), members=members)


class Feed:
    """Plays the ledger's changes in the order in which they became known, day after day.

    `cost[row, day - first_day]` is the billed cost of a series' day as known at the last `play`.
    """

    def __init__(self, ledger: Ledger, rows: Rows, *, last_day: int) -> None:
        self.rows = rows
        self.first_day = int(ledger.day.min()) if len(ledger) else last_day
        self.days = last_day - self.first_day + 1
        self.cost: Floats = np.zeros((len(rows.keys), max(self.days, 1)))
        inside = ledger.day <= last_day
        ledger = ledger if bool(inside.all()) else ledger.where(inside)
        order = np.argsort(ledger.received, kind="stable")
        self._received = ledger.received[order]
        self._series = ledger.series_index[order].astype(np.int64)
        self._column = ledger.day[order].astype(np.int64) - self.first_day
        self._billed = ledger.billed_cost[order]
        self._next = 0

    def play(self, until_seconds: int) -> Changes:
        """Add everything received up to a moment; give what that was."""
        end = int(np.searchsorted(self._received, until_seconds, side="right"))
        span = slice(self._next, max(end, self._next))
        self._next = span.stop
        series, column, billed = self._series[span], self._column[span], self._billed[span]
        for member in self.rows.members:
            np.add.at(self.cost, (member[series], column), billed)
        return Changes(series, column, self._received[span] // DAY_SECONDS - self.first_day, billed)


class Changes(NamedTuple):
    """What one `play` added, in columns; days count from the feed's first day."""

    series: Ints
    column: Ints
    received: Ints
    billed: Floats


def quantile(values: Floats, share: float) -> Floats:
    """Give the quantile along the last axis, NaN left out; NaN where nothing is left.

    numpy's own falls back to a loop over rows once NaN is there, which is 50 times slower.
    """
    ordered = np.sort(values, axis=-1)
    count = np.sum(~np.isnan(ordered), axis=-1)
    place = share * np.maximum(count - 1, 0)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    flat = ordered.reshape(-1, ordered.shape[-1])
    row = np.arange(len(flat))
    at_low = flat[row, low.ravel()].reshape(low.shape)
    at_high = flat[row, high.ravel()].reshape(low.shape)
    result: Floats = at_low + (at_high - at_low) * (place - low)
    return result


def median(values: Floats) -> Floats:
    """Give the median along the last axis, NaN left out."""
    return quantile(values, 0.5)


def window(values: NDArray[Any], rows: Ints, ends: Ints, length: int) -> Floats:
    """Give the `length` days before `ends` of the given rows; days outside the grid are NaN."""
    place = ends[:, None] + np.arange(-length, 0)
    taken = values[rows[:, None], np.clip(place, 0, values.shape[1] - 1)]
    inside = (place >= 0) & (place < values.shape[1])
    return np.where(inside, taken, np.nan)
