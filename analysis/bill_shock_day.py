"""One day of many series, measured against what was to be expected of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.bill_shock_model import FeeCalendar, Fit
from analysis.bill_shock_rules import (
    Limits,
    Measured,
    Rule,
    Thresholds,
    burst,
    down,
    limits,
    up,
)
from analysis.series import Flags, Floats, Ints, Shorts, window

FIRST_JUDGED = 21
"""Days of history before a series is judged at all."""
MATURE_DAYS = 42
"""Judged days from which the full rules hold."""
PAST_DAYS = 126
"""Days of own misses that a series' noise is measured by."""
MISS_REST = 5
DRIFT_REST = 21
"""The newest days measure no noise: a shock must not widen its own limits."""
BURST_REST = 28
NEW_AFTER_DAYS = 28
"""What begins later than this after the ledger's first day is new, not merely unseen."""
NEW_DAYS = 3
NEW_SHARE = 0.00002
"""Share of the currency's usual day above which a new series is worth a word."""
INTERMITTENT_SHARE = 0.7


@dataclass(slots=True)
class State:
    """What is known and was judged so far; arrays of (rows, days) or of rows."""

    cost: Floats
    """Billed cost as known now."""
    fit: Fit
    fees: FeeCalendar
    expected: Floats
    low: Floats
    high: Floats
    miss: Floats
    """Logarithm of a day's cost over its expectation, fees subtracted; NaN where not judged."""
    drift: Floats
    alerted: Shorts
    """1 is up, -1 is down, 0 is no alert."""
    rule: Shorts
    left_out: Flags
    """Days that teach nothing: alerted ones, and those before that led to the alert."""
    since: Ints
    """First column of the present regime."""
    accepted: Ints
    """Column on which a lasting shock was last taken as the new normal."""
    started: Ints
    """First column with any cost."""
    currency: Ints
    """Rows of one currency have one number."""
    services: Flags
    """Rows that are not rolled up."""
    recoined: Flags
    """Rows that are also billed in another currency: starts and falls may be a change of coin."""

    @staticmethod
    def start(cost: Floats, fees: FeeCalendar, **known: Flags | Ints) -> State:
        """Give the state before anything is judged."""
        rows = cost.shape[0]
        return State(
            cost=cost,
            fit=Fit.empty(rows),
            fees=fees,
            expected=np.full(cost.shape, np.nan),
            low=np.full(cost.shape, np.nan),
            high=np.full(cost.shape, np.nan),
            miss=np.full(cost.shape, np.nan),
            drift=np.full(cost.shape, np.nan),
            alerted=np.zeros(cost.shape, dtype=np.int8),
            rule=np.zeros(cost.shape, dtype=np.int8),
            left_out=np.zeros(cost.shape, dtype=np.bool_),
            since=np.zeros(rows, dtype=np.int64),
            accepted=np.full(rows, -PAST_DAYS, dtype=np.int64),
            started=np.full(rows, cost.shape[1], dtype=np.int64),
            **known,  # type: ignore[arg-type]  # the three that the caller must give
        )


class Day:
    """One day of each of some rows; `rule` and `direction` are the verdict."""

    def __init__(self, state: State, rows: Ints, day: Ints, by: Thresholds, *, whole: bool) -> None:
        self.state, self.rows, self.day, self.by, self.whole = state, rows, day, by, whole
        self.money = state.cost[rows, day]
        self.age = day - state.started[rows]
        self.intermittent = state.fit.active_share[rows] < INTERMITTENT_SHARE
        self._measure()
        self._judge()

    def _measure(self) -> None:
        state, rows, fit = self.state, self.rows, self.state.fit
        self.fee, self.spread = state.fees.expected(rows, self.day)
        base = fit.log_expected(rows, self.day)
        # On a fee's day only what exceeds fee and spread together may count.
        rest = np.maximum(self.money - self.fee - self.spread, fit.floor[rows])
        self.miss: Floats = np.log(rest) - base
        self.drift: Floats = fit.recent[rows] - fit.before[rows]
        past = self._past(state.miss, rest=MISS_REST)
        self.young: Flags = np.sum(~np.isnan(past), axis=1) < MATURE_DAYS
        past_drift = self._past(state.drift, rest=DRIFT_REST)
        self.limits: Limits = limits(past, past_drift, fit.scale[rows], self.young, self.by)
        usual = np.exp(base)
        self.expected = usual + self.fee
        self.high = usual * np.exp(np.minimum(self.limits.jump, 50)) + self.fee + self.spread
        self.low = usual * np.exp(-self.limits.drop)

    def _judge(self) -> None:
        steady = ~np.isnan(self.miss) & ~self.intermittent & (self.age >= FIRST_JUDGED)
        rule = np.where(steady, self._up(), Rule.NONE)
        bursting = self.intermittent & (self.age >= MATURE_DAYS)
        bursts, day_limit = self._bursts()
        rule = np.where(bursting, bursts, rule)
        limit = np.where(bursting, day_limit + self.fee + self.spread, np.nan)
        self.high = np.where(steady, self.high, limit)
        self.low = np.where(steady & ~self.young, self.low, 0.0)
        rule = np.where(self._is_new(), Rule.NEW, rule)
        falls = np.zeros(len(rule), dtype=np.bool_)
        if self.whole:
            may_fall = steady & ~self.young & (self.fee == 0) & ~self.state.recoined[self.rows]
            low = down(self.miss, self._last(3), self.limits)
            falls = (rule == Rule.NONE) & may_fall & low
        self.rule: Ints = np.where(falls, Rule.DROP, rule).astype(np.int64)
        self.direction: Ints = np.where(falls, -1, 1)

    def _up(self) -> Ints:
        last = window(self.state.alerted, self.rows, self.day, 3) > 0
        measured = Measured(
            miss=self.miss,
            last=self._last(3),
            drift=np.where(self.young, -np.inf, np.nan_to_num(self.drift, nan=-np.inf)),
            lasting=np.asarray(last.any(axis=1), dtype=np.bool_),
        )
        # Part of a day proves nothing but that it is too much already.
        only_jump = (self.fee > 0) | (not self.whole)
        return up(measured, self.limits, self.by, only_jump=only_jump)

    def _bursts(self) -> tuple[Ints, Floats]:
        past = self._past(self.state.cost, kept=BURST_REST)
        return burst(self.money - self.fee - self.spread, past, self.by)

    def _is_new(self) -> Flags:
        fresh = (self.age >= 0) & (self.age < NEW_DAYS) & ~self.state.recoined[self.rows]
        late = self.state.started[self.rows] >= NEW_AFTER_DAYS
        new: Flags = fresh & late & (self.money > NEW_SHARE * self._usual_day())
        return new

    def _usual_day(self) -> Floats:
        """Give the usual day of everything in the row's currency."""
        state = self.state
        totals = np.zeros(int(state.currency.max(initial=0)) + 1)
        usual = np.nan_to_num(np.exp(state.fit.level))
        np.add.at(totals, state.currency[state.services], usual[state.services])
        whole: Floats = totals[state.currency[self.rows]]
        return whole

    def _last(self, days: int) -> Floats:
        return window(self.state.miss, self.rows, self.day, days)

    def _past(self, values: Floats, *, rest: int = 0, kept: int = PAST_DAYS) -> Floats:
        """Give the past of `values` up to `rest` days ago, the left-out of `kept` days as NaN."""
        ends = self.day - rest
        past = window(values, self.rows, ends, PAST_DAYS)
        left_out = window(self.state.left_out, self.rows, ends, PAST_DAYS) != 0
        left_out[:, : PAST_DAYS - kept] = False
        return np.where(left_out, np.nan, past)
