"""Judges every series day by day, as of each day: the one path of daemon and backtest alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from analysis.bill_shock_day import FIRST_JUDGED, Day, State
from analysis.bill_shock_model import FeeCalendar, fit
from analysis.bill_shock_rules import DEFAULT, Rule, Thresholds
from analysis.completeness import OLDEST_AGE, Completeness
from analysis.ledger import DAY_SECONDS, Ledger
from analysis.series import ALL, Feed, Floats, Ints, SeriesKey, rows_of, window

ACCEPT_DAYS = 28
"""After so many days, nearly all of them alerted, a new level is the normal one."""
_ACCEPT_SHARE = 0.8
LATE_DAYS = 7
"""Days after its judgement in which a day may still turn out too high."""
_SILENT_DAYS = 42
_MAX_LOG = 60.0


class Alert(NamedTuple):
    """One series' day that was judged a shock; days count from 1970-01-01."""

    row: int
    day: int
    alerted_on: int
    direction: int
    """1 is up, -1 is down."""
    rule: Rule
    known: float
    """Billed cost of the day as known when it was judged."""
    expected: float
    low: float
    high: float


class Replay:
    """Plays a ledger day by day; what it says on a day rests only on what was known then.

    Make it once, then call `step` with rising days, or `run`. Afterwards `state` and `whole`
    tell what is so as of the last step; days are columns from `first_day`.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        last_day: int,
        thresholds: Thresholds = DEFAULT,
        roll_up: bool = True,
    ) -> None:
        rows = rows_of(ledger, roll_up=roll_up)
        self.keys: tuple[SeriesKey, ...] = rows.keys
        self.feed = Feed(ledger, rows, last_day=last_day)
        self.first_day = self.feed.first_day
        self.thresholds = thresholds
        providers = sorted({name[0] for name in ledger.series})
        of_series = np.array([providers.index(name[0]) for name in ledger.series], dtype=np.int64)
        self.completeness = Completeness(providers, of_series, self.feed.cost.shape[1])
        place = {name: index for index, name in enumerate(providers)} | {ALL: -1}
        self._provider = np.array([place[key.provider] for key in self.keys], dtype=np.int64)
        self.state = State.start(
            self.feed.cost,
            FeeCalendar(len(self.keys), self.first_day, self.feed.cost.shape[1]),
            currency=_numbered([key.currency for key in self.keys]),
            services=rows.level("service"),
            recoined=_recoined(self.keys),
        )
        self.whole: Ints = np.full(len(self.keys), -1, dtype=np.int64)
        """Last whole column of each row."""
        self.judged: Ints = np.full(len(self.keys), FIRST_JUDGED - 1, dtype=np.int64)
        """Last column of each row that was judged as a whole day."""

    def run(
        self, *, until_seconds: int | None = None, progress: Callable[[int], None] | None = None
    ) -> list[Alert]:
        """Step through every day from the ledger's first to the last.

        `until_seconds` is the moment inside the last day up to which it is known; all of it if not
        given. `progress` is told each day that is done.
        """
        alerts: list[Alert] = []
        last = self.first_day + self.feed.days - 1
        for day in range(self.first_day, last + 1):
            alerts += self.step(day, until_seconds=until_seconds if day == last else None)
            if progress is not None:
                progress(day)
        return alerts

    def step(self, day: int, *, until_seconds: int | None = None) -> list[Alert]:
        """Judge what is known at the end of a day, or at a moment inside it."""
        end = (day + 1) * DAY_SECONDS - 1 if until_seconds is None else until_seconds
        today = day - self.first_day
        self.completeness.learn(self.feed.play(end))
        self.whole = self._whole_until(today)
        self.state.started = _first_nonzero(self.state.cost)
        alerts: list[Alert] = []
        while (rows := np.flatnonzero(self.judged < self.whole)).size:
            self.judged[rows] += 1
            self._refit(rows)
            alerts += self._judge(rows, self.judged[rows], today, whole=True)
        for ahead in range(1, OLDEST_AGE + 1):
            known = (self.judged + ahead <= today) & (self.state.fit.end > 0)
            if not known.any():
                break
            rows = self._worth_a_look(np.flatnonzero(known), ahead)
            alerts += self._judge(rows, self.judged[rows] + ahead, today, whole=False)
        return alerts + self._late(today)

    def _whole_until(self, today: int) -> Ints:
        per_provider = self.completeness.whole_until(today)
        if not per_provider.size:
            return np.full(len(self.keys), -1, dtype=np.int64)
        # A provider that has left must not stop the judgement of the total.
        active = per_provider[per_provider >= today - _SILENT_DAYS]
        total = active.min() if active.size else -1
        return np.where(self._provider >= 0, per_provider[self._provider], total)

    def _refit(self, rows: Ints) -> None:
        state, end = self.state, self.judged[rows]
        left_out = state.left_out | (np.arange(state.cost.shape[1]) < state.started[:, None])
        state.fit.put(rows, fit(state.cost, left_out, state.since[rows], rows, end))
        # The fee calendar measures a day once the four days after it are whole as well.
        shape = state.fit.factor[rows][:, np.arange(-9, 0) % 7]
        state.fees.learn(state.cost, shape, state.fit.scale[rows], rows, end - 5)

    def _judge(self, rows: Ints, day: Ints, today: int, *, whole: bool) -> list[Alert]:
        state, found = self.state, Day(self.state, rows, day, self.thresholds, whole=whole)
        hits = np.flatnonzero((found.rule != Rule.NONE) & (state.alerted[rows, day] == 0))
        state.expected[rows, day], state.low[rows, day] = found.expected, found.low
        state.high[rows, day] = found.high
        state.alerted[rows[hits], day[hits]] = found.direction[hits]
        state.rule[rows[hits], day[hits]] = found.rule[hits]
        self._leave_out(rows[hits], day[hits], found.rule[hits])
        if whole:
            counts = (found.fee == 0) & ~found.intermittent
            state.miss[rows, day] = np.where(counts, found.miss, np.nan)
            state.drift[rows, day] = np.where(counts, found.drift, np.nan)
            self._accept(rows, day)
        return [self._alert(int(rows[hit]), int(day[hit]), today) for hit in hits]

    def _worth_a_look(self, rows: Ints, ahead: int) -> Ints:
        """Keep rows whose unfinished day exceeds the usual already; few do, so this is fast."""
        state, day = self.state, self.judged[rows] + ahead
        usual = np.exp(np.minimum(state.fit.log_expected(rows, day), _MAX_LOG))
        young = day - state.started[rows] < FIRST_JUDGED
        sparse = ~(state.fit.active_share[rows] >= 1)
        return rows[
            (state.cost[rows, day] > usual) | ((young | sparse) & (state.cost[rows, day] > 0))
        ]

    def _late(self, today: int) -> list[Alert]:
        """Give days that were fine when judged, and that late costs have lifted over the limit."""
        alerts: list[Alert] = []
        for ago in range(1, LATE_DAYS + 1):
            day = self.judged - ago
            rows = np.flatnonzero(day >= FIRST_JUDGED)
            state, column = self.state, day[rows]
            quiet = (state.alerted[rows, column] == 0) & ~state.left_out[rows, column]
            over = state.cost[rows, column] > state.high[rows, column]
            for row, late in zip(rows[quiet & over], column[quiet & over], strict=True):
                state.alerted[row, late], state.rule[row, late] = 1, Rule.JUMP
                state.left_out[row, late] = True
                alerts.append(self._alert(int(row), int(late), today))
        return alerts

    def _alert(self, row: int, column: int, today: int) -> Alert:
        state = self.state
        return Alert(
            row=row,
            day=self.first_day + column,
            alerted_on=self.first_day + today,
            direction=int(state.alerted[row, column]),
            rule=Rule(int(state.rule[row, column])),
            known=float(state.cost[row, column]),
            expected=_known(state.expected[row, column]),
            low=_known(state.low[row, column]),
            high=_known(state.high[row, column]),
        )

    def _leave_out(self, rows: Ints, day: Ints, rule: Ints) -> None:
        """Let neither an alerted day nor those that led to it teach what is normal."""
        led = [rule == Rule.DRIFT, (rule == Rule.DROP) | (rule == Rule.TWO_OF_FOUR)]
        back = np.select(led, [6, 3], 0)
        for ago in range(7):
            far = back >= ago
            self.state.left_out[rows[far], np.maximum(day[far] - ago, 0)] = True

    def _accept(self, rows: Ints, day: Ints) -> None:
        """Take a level that has lasted for weeks as the normal one."""
        recent = window(self.state.alerted, rows, day + 1, ACCEPT_DAYS)
        ready = day - self.state.accepted[rows] >= ACCEPT_DAYS
        for direction in (1, -1):
            lasting = np.sum(recent == direction, axis=1) >= _ACCEPT_SHARE * ACCEPT_DAYS
            for row, end in zip(rows[ready & lasting], day[ready & lasting], strict=True):
                start = max(int(end) + 1 - ACCEPT_DAYS, 0)
                self.state.left_out[row, start : end + 1] = False
                # Measured against the old level, they tell nothing about noise.
                self.state.miss[row, start : end + 1] = np.nan
                self.state.drift[row, start : end + 1] = np.nan
                self.state.accepted[row] = end
                self.state.since[row] = start


def _known(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0


def _first_nonzero(cost: Floats) -> Ints:
    nonzero = cost != 0
    first: Ints = np.where(nonzero.any(axis=1), nonzero.argmax(axis=1), cost.shape[1])
    return first


def _numbered(names: list[str]) -> Ints:
    place = {name: index for index, name in enumerate(sorted(set(names)))}
    return np.array([place[name] for name in names], dtype=np.int64)


def _recoined(keys: tuple[SeriesKey, ...]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    coins: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for key in keys:
        coins[key[:3]].add(key.currency)
    return np.array([len(coins[key[:3]]) > 1 for key in keys], dtype=np.bool_)
