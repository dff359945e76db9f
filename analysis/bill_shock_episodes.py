"""Joins alerted days to episodes: one shock is one thing, however many days it lasts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from analysis.bill_shock_replay import Alert, Replay
from analysis.bill_shock_rules import Rule

QUIET_DAYS = 4
"""Normal days in a row that end an episode."""
NEXT_DAYS = 7


@dataclass(slots=True)
class Episode:
    """Alerted days of one series and direction, less than `QUIET_DAYS` apart."""

    row: int
    direction: int
    started_on: int
    """Usage day of the first alert; it names the episode and never changes."""
    alerts: list[Alert] = field(default_factory=list)

    @property
    def first(self) -> Alert:
        """The alert that opened it."""
        return self.alerts[0]

    @property
    def first_day(self) -> int:
        """The earliest usage day that was alerted, which may have become known later."""
        return min(alert.day for alert in self.alerts)

    @property
    def last(self) -> Alert:
        """The alert of the latest usage day."""
        return max(self.alerts, key=lambda alert: alert.day)

    @property
    def rule(self) -> Rule:
        """Why it began."""
        return self.first.rule


def episodes(alerts: Iterable[Alert]) -> list[Episode]:
    """Join alerts, given in the order in which they were raised."""
    found: list[Episode] = []
    latest: dict[tuple[int, int], Episode] = {}
    for alert in alerts:
        key = (alert.row, alert.direction)
        open_one = latest.get(key)
        if open_one is None or alert.day - open_one.last.day >= QUIET_DAYS:
            open_one = Episode(alert.row, alert.direction, alert.day)
            latest[key] = open_one
            found.append(open_one)
        open_one.alerts.append(alert)
    return found


def is_open(episode: Episode, replay: Replay) -> bool:
    """Tell whether no `QUIET_DAYS` whole days have passed without an alert."""
    judged = replay.first_day + int(replay.judged[episode.row])
    return judged - episode.last.day < QUIET_DAYS


@dataclass(frozen=True, slots=True)
class Toll:
    """What an episode has cost over the expectation; negative for a drop."""

    so_far: float
    per_day: float
    """Median of its last three days that are whole."""
    goes_on: bool
    """The newest day that was judged belongs to it."""
    most: float
    """The most that it ever pointed to: so far, and seven further days like its last."""

    @property
    def ahead(self) -> float:
        """Excess so far and, if it goes on, that of the next seven days."""
        return self.so_far + (NEXT_DAYS * self.per_day if self.goes_on else 0.0)


def toll(episode: Episode, replay: Replay) -> Toll:
    """Add up an episode from the costs as known now."""
    state, row = replay.state, episode.row
    columns = np.array(sorted({alert.day - replay.first_day for alert in episode.alerts}))
    excess = state.cost[row, columns] - np.nan_to_num(state.expected[row, columns])
    running = np.cumsum(excess)
    pointed = running + NEXT_DAYS * excess
    whole = excess[columns <= int(replay.whole[row])]
    newest = int(replay.judged[row])
    return Toll(
        so_far=float(running[-1]),
        per_day=float(np.median(whole[-3:] if whole.size else excess)),
        goes_on=int(columns[-1]) >= newest,
        most=float(pointed[np.argmax(np.abs(pointed))]),
    )
