"""Scores alerts against labelled shocks.

A shock is found by an alert of its direction on one of its days up to `detect_by`. Alerts from
the day before a shock to its `ignore_until` are never false; the others of a series, less than
four days apart, make one false episode.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

Named = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Label:
    """A true shock; an alert until `ignore_until` is never false."""

    account: str
    service: str
    kind: str
    direction: str
    start: date
    end: date
    detect_by: date
    ignore_until: date
    material: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """One alert: the day judged, and the day on which it was said."""

    account: str
    service: str
    usage_date: date
    alerted_at: date
    direction: str


@dataclass(frozen=True, slots=True)
class Score:
    """How many shocks of one direction were found, and how many alerts were false."""

    detected: int
    material: int
    false_episodes: int
    series_years: float
    delays: tuple[int, ...]
    """Days from a shock's start to its first alert."""
    by_kind: dict[str, tuple[int, int]]
    """Kind -> shocks found, shocks there were."""

    @property
    def recall(self) -> float:
        """Share of the shocks that were found."""
        return self.detected / self.material if self.material else float("nan")

    @property
    def precision(self) -> float:
        """Share of what was told that was true."""
        told = self.detected + self.false_episodes
        return self.detected / told if told else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    @property
    def false_rate(self) -> float:
        """False episodes per series and year."""
        return self.false_episodes / self.series_years if self.series_years else float("nan")


def score(
    told: Iterable[Told], labels: Sequence[Label], direction: str, series_years: float
) -> Score:
    """Score the alerts of one direction."""
    of_series: dict[Named, list[Told]] = defaultdict(list)
    for one in told:
        if one.direction == direction:
            of_series[one.account, one.service].append(one)
    known: dict[Named, list[Label]] = defaultdict(list)
    for label in labels:
        known[label.account, label.service].append(label)
    delays: list[int] = []
    by_kind: dict[str, list[bool]] = defaultdict(list)
    for label in labels:
        if label.direction != direction or not label.material:
            continue
        hits = [
            one.alerted_at
            for one in of_series[label.account, label.service]
            if label.start <= one.usage_date <= label.detect_by
        ]
        by_kind[label.kind].append(bool(hits))
        if hits:
            delays.append((min(hits) - label.start).days)
    return Score(
        detected=len(delays),
        material=sum(map(len, by_kind.values())),
        false_episodes=sum(
            len(false_episodes(alerts, known[name])) for name, alerts in of_series.items()
        ),
        series_years=series_years,
        delays=tuple(delays),
        by_kind={kind: (sum(hits), len(hits)) for kind, hits in by_kind.items()},
    )


def false_episodes(alerts: Sequence[Told], labels: Sequence[Label]) -> list[date]:
    """Give the first day of each run of alerts that no label excuses."""
    days = sorted(
        one.usage_date
        for one in alerts
        if not any(
            label.start - timedelta(days=1) <= one.usage_date <= label.ignore_until
            for label in labels
        )
    )
    return [
        day for place, day in enumerate(days) if place == 0 or (day - days[place - 1]).days >= 4
    ]
