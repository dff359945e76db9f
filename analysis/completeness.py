"""Learns how much of a day each provider has told after k days, and which days are whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.ledger import Ledger
from analysis.series import Changes, Feed, Floats, Ints, median, rows_of

KNOWN_SHARE = 0.98
"""A day is whole once this share of it is usually known."""
OLDEST_AGE = 14
"""Ages in days that are told apart; what comes later is restatement, not delay."""
LEARNED_DAYS = 42
DEFAULT_HOLD_OFF = 3
"""Days to wait for a provider about which too little is known yet."""
_ENOUGH_DAYS = 7


class Completeness:
    """How delayed each provider's costs arrive, as learned from what has arrived so far."""

    def __init__(self, providers: Sequence[str], series_provider: Ints, days: int) -> None:
        self.providers = tuple(providers)
        self._provider = series_provider
        self._by_age: Floats = np.zeros((len(providers), max(days, 1), OLDEST_AGE + 2))
        self.last_received: Ints = np.full(len(providers), -1, dtype=np.int64)
        """Day of each provider's newest change, from the feed's first day; -1 before any."""

    def learn(self, changes: Changes) -> None:
        """Take in what a feed played."""
        provider = self._provider[changes.series]
        age = np.clip(changes.received - changes.column, 0, OLDEST_AGE + 1)
        np.add.at(self._by_age, (provider, changes.column, age), changes.billed)
        np.maximum.at(self.last_received, provider, changes.received)

    def known_share(self, today: int) -> Floats:
        """Give, per provider and age, the usual share of a day's cost known at that age.

        Shape (providers, OLDEST_AGE + 1); NaN where fewer than a week of days has been seen whole.
        """
        last = today - OLDEST_AGE
        seen = self._by_age[:, max(last - LEARNED_DAYS, 0) : max(last, 0)]
        total = seen.sum(axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(
                total[..., None] > 0, np.cumsum(seen, axis=2) / total[..., None], np.nan
            )
        usual = np.full((len(self.providers), OLDEST_AGE + 1), np.nan)
        enough = np.sum(total > 0, axis=1) >= _ENOUGH_DAYS
        if enough.any():
            usual[enough] = median(np.moveaxis(share[enough, :, : OLDEST_AGE + 1], 1, 2))
        return usual

    def hold_off(self, today: int) -> Ints:
        """Give, per provider, the age in days from which a day is judged."""
        share = self.known_share(today)
        whole = np.maximum.accumulate(np.nan_to_num(share), axis=1) >= KNOWN_SHARE
        age = np.where(whole.any(axis=1), whole.argmax(axis=1), OLDEST_AGE)
        return np.where(np.isnan(share[:, 0]), DEFAULT_HOLD_OFF, age)

    def whole_until(self, today: int) -> Ints:
        """Give, per provider, the last day that is whole; below 0 where there is none.

        Ages count from the newest delivery: while a source is silent, no further day gets whole.
        """
        arrived = np.minimum(self.last_received, today)
        return np.where(self.last_received < 0, -1, arrived - self.hold_off(today))


def whole_days(ledger: Ledger, *, today: int, until_seconds: int) -> dict[str, int]:
    """Give, per provider, the last day that is whole as known at a moment of `today`.

    Days count from 1970-01-01. A provider of whom nothing is whole yet is left out.
    """
    if not len(ledger):
        return {}
    names = sorted({name[0] for name in ledger.series})
    of_series = np.array([names.index(name[0]) for name in ledger.series], dtype=np.int64)
    feed = Feed(ledger, rows_of(ledger, roll_up=False), last_day=today)
    learned = Completeness(names, of_series, feed.days)
    learned.learn(feed.play(until_seconds))
    until = learned.whole_until(today - feed.first_day)
    return {
        name: feed.first_day + int(day) for name, day in zip(names, until, strict=True) if day >= 0
    }
