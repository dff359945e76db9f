"""Where the month will end: what is known, what is usual, and the fees still to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from analysis.bill_shock_day import INTERMITTENT_SHARE
from analysis.bill_shock_replay import Replay
from analysis.series import Floats, Ints, median, window
from analysis.wording import number
from spendwatt.clock import month_start, next_month

P90 = 1.2816
"""Standard deviations between the median and p90 of a normal distribution."""
_RECENT_DAYS = 56
_BIAS_DAYS = 84
_DRIFT_WEEKS = 2.0
_HONEST = 1.35
"""Widens the range to what months turned out to need: series change in more ways than these."""
_PULL = 0.3
"""Part of the last week's miss that is taken to last."""


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """The month of `today` for each row of a replay. Money as floats: these are statistics."""

    month: date
    known: Floats
    """Billed so far, as far as it is known."""
    days: tuple[date, ...]
    """Every day of the month."""
    path: Floats
    """Shape (rows, days): cost of each day, expected where it is not whole yet."""
    deviation: Floats
    """Standard deviation of the month's end."""
    usual: Floats
    """Shape (rows, days): what each day would cost if nothing unusual had happened lately."""

    @property
    def p50(self) -> Floats:
        """The month's end as likely exceeded as not."""
        total: Floats = self.path.sum(axis=1)
        return total

    @property
    def p10(self) -> Floats:
        """One month in ten ends below; never below what is known already."""
        low: Floats = self.p50 - P90 * self.deviation
        return np.maximum(low, np.minimum(self.known, self.p50))

    @property
    def p90(self) -> Floats:
        """One month in ten ends above."""
        high: Floats = self.p50 + P90 * self.deviation
        return high

    def breaks_on(self, row: int, limit: float) -> date | None:
        """Give the day on which a row's running total passes a limit, None if it does not."""
        over = np.flatnonzero(np.cumsum(self.path[row]) > limit)
        return self.days[int(over[0])] if over.size else None


def month_end(replay: Replay, today: date) -> MonthEnd:
    """Forecast the month of `today` for every row, from the last step of a replay."""
    start, end = month_start(today), next_month(today)
    days = tuple(start + timedelta(days=count) for count in range((end - start).days))
    columns = np.array([number(day) for day in days]) - replay.first_day
    cost = replay.state.cost
    inside = (columns >= 0) & (columns < cost.shape[1])
    known = np.zeros((len(replay.keys), len(days)))
    known[:, inside] = cost[:, columns[inside]]
    expected = _expected(replay, columns)
    whole = columns[None, :] <= replay.judged[:, None]
    # Of a day that is not whole yet, what is known already is the least that it will be.
    path = np.where(whole, known, np.maximum(expected, known))
    return MonthEnd(
        month=start,
        known=known.sum(axis=1),
        days=days,
        path=path,
        deviation=_deviation(replay, np.where(whole, 0.0, expected)),
        usual=_usual(replay, columns),
    )


def _expected(replay: Replay, columns: Ints) -> Floats:
    """Expect each day as the newest days were: a shock that lasts is carried on."""
    return _costs(replay, columns, _recent_mean(replay), shift=_shift(replay))


def _usual(replay: Replay, columns: Ints) -> Floats:
    """Expect each day as the days before any shock were, which left its days out."""
    return _costs(replay, columns, _recent_mean(replay, without_shocks=True), shift=None)


def _costs(replay: Replay, columns: Ints, recent: Floats, *, shift: Floats | None) -> Floats:
    """Give each day's cost: level, weekday and fees, or `recent` where a row has no level."""
    state, rows = replay.state, np.arange(len(replay.keys))
    level = np.log(_bias(replay)) + (0.0 if shift is None else shift)
    cost = np.zeros((len(rows), len(columns)))
    steady = ~(state.fit.active_share < INTERMITTENT_SHARE) & ~np.isnan(state.fit.level)
    for place, column in enumerate(columns):
        day = np.full(len(rows), max(int(column), 0))
        typical = np.exp(np.minimum(state.fit.log_expected(rows, day) + level, 60))
        fee, _ = state.fees.expected(rows, day)
        cost[:, place] = np.where(steady, np.nan_to_num(typical), recent) + fee
    return cost


def _shift(replay: Replay) -> Floats:
    """Give how far the newest days lie off the level: wholly while alerted, else part of it."""
    rows, ends = np.arange(len(replay.keys)), replay.judged + 1
    miss = window(replay.state.miss, rows, ends, 7)
    alerted = window(replay.state.alerted, rows, ends, 2)
    lasting = (np.nan_to_num(alerted) != 0).all(axis=1)
    lately = np.nan_to_num(median(miss[:, -3:]))
    return np.where(lasting, lately, _PULL * np.nan_to_num(median(miss)) * ~lasting)


def _bias(replay: Replay) -> Floats:
    """Give mean cost over typical cost: a median forecast of skewed days sums to too little."""
    rows, ends = np.arange(len(replay.keys)), replay.judged + 1
    miss = window(replay.state.miss, rows, ends, _BIAS_DAYS)
    left_out = window(replay.state.left_out, rows, ends, _BIAS_DAYS) != 0
    usable = ~np.isnan(miss) & ~left_out
    weight = np.where(usable, np.exp(np.clip(np.nan_to_num(miss), -3, 1)), 0.0)
    count = usable.sum(axis=1)
    mean = weight.sum(axis=1) / np.maximum(count, 1)
    typical = np.exp(np.nan_to_num(median(np.where(usable, miss, np.nan))))
    return np.where(count >= 14, np.clip(mean / typical, 0.8, 1.25), 1.0)


def _recent_mean(replay: Replay, *, without_shocks: bool = False) -> Floats:
    rows, ends = np.arange(len(replay.keys)), replay.judged + 1
    recent = window(replay.state.cost, rows, ends, _RECENT_DAYS)
    if without_shocks:
        alerted = window(replay.state.left_out, rows, ends, _RECENT_DAYS) != 0
        recent = np.where(alerted, np.nan, recent)
    mean: Floats = np.nan_to_num(recent).sum(axis=1) / np.maximum(
        np.sum(~np.isnan(recent), axis=1), 1
    )
    return mean


def _deviation(replay: Replay, open_days: Floats) -> Floats:
    """Combine the days' own noise with the level's, which grows with the days ahead."""
    rows, ends = np.arange(len(replay.keys)), replay.judged + 1
    state = replay.state
    left_out = window(state.left_out, rows, ends, _BIAS_DAYS) != 0
    miss = np.where(left_out, np.nan, window(state.miss, rows, ends, _BIAS_DAYS))
    drift = np.where(left_out, np.nan, window(state.drift, rows, ends, _BIAS_DAYS))
    daily = np.nan_to_num(1.4826 * median(np.abs(miss)), nan=0.5)
    wander = np.nan_to_num(1.4826 * median(np.abs(drift)), nan=0.2)
    weeks = np.sum(open_days > 0, axis=1) / 7
    level = wander * np.sqrt(np.minimum(weeks / _DRIFT_WEEKS, 1.0)) * open_days.sum(axis=1)
    noise = daily * np.sqrt(np.sum(open_days**2, axis=1))
    deviation: Floats = _HONEST * np.sqrt(noise**2 + level**2)
    return deviation
