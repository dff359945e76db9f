"""What a series would cost if nothing changed: level, weekday, trend, and fees of the month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations

import numpy as np

from analysis.series import Flags, Floats, Ints, median, quantile, window

WEEKS = 16
LENGTH = WEEKS * 7
"""Days of history that a fit looks at."""
LEVEL_DAYS = 35
TREND_REST_WEEKS = 3
"""The newest weeks take no part in the trend: a shock must not explain itself as growth."""
MAX_DAILY_TREND = 0.01
_TREND_WEEKS = 6
_FEW_DAYS = 7
_MAD = 1.4826
"""Makes a median absolute deviation comparable to a standard deviation."""
FEE_MONTHS = 4
_LAST_DAYS = 3
FEE_AHEAD_DAYS = 62
"""Days beyond the grid for which a fee can be asked: two months."""
_FEE_JUMP = 0.3
_FEE_NOISE = 3.5
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Fit:
    """What is expected of each row from `end` on. Logarithms of money unless said otherwise."""

    end: Ints
    """First day that the fit has not seen, as a column of the grid."""
    level: Floats
    """Typical day at `end`, weekday effect removed; NaN where nothing is known."""
    slope: Floats
    """Growth per day."""
    factor: Floats
    """Shape (rows, 7): the effect of the weekday of `end + i`."""
    scale: Floats
    """Typical deviation of a day inside the window."""
    floor: Floats
    """Money under which a day counts as this much: logarithms need something above zero."""
    recent: Floats
    """Median of the last seven days, moved to `end` by the trend."""
    before: Floats
    """Level that the weeks before the last two let expect at `end`."""
    active_share: Floats
    """Share of days with any cost in the last eight weeks."""

    def log_expected(self, rows: Ints, day: Ints) -> Floats:
        """Give the expectation of one day per row, without fees."""
        ahead = np.maximum(day - self.end[rows], 0)
        trend = self.slope[rows] * ahead
        result: Floats = self.level[rows] + trend + self.factor[rows, (day - self.end[rows]) % 7]
        return result

    def put(self, rows: Ints, other: Fit) -> None:
        """Replace the fit of some rows."""
        for name in self.__slots__:
            getattr(self, name)[rows] = getattr(other, name)

    @staticmethod
    def empty(count: int) -> Fit:
        """Give a fit that expects nothing."""
        none = np.full(count, np.nan)
        return Fit(
            end=np.zeros(count, dtype=np.int64),
            level=none.copy(),
            slope=np.zeros(count),
            factor=np.zeros((count, 7)),
            scale=none.copy(),
            floor=np.zeros(count),
            recent=none.copy(),
            before=none.copy(),
            active_share=np.zeros(count),
        )


def fit(cost: Floats, left_out: Flags, since: Ints, rows: Ints, end: Ints) -> Fit:
    """Fit rows on the days before `end`.

    `left_out` marks days (alerted ones) that teach nothing; days before `since` (of an earlier
    regime) teach the shape of the week, but neither level nor trend.
    """
    money = window(cost, rows, end, LENGTH)
    place = end[:, None] + np.arange(-LENGTH, 0)
    known = ~np.isnan(money) & ~left_out[rows[:, None], np.clip(place, 0, cost.shape[1] - 1)]
    floor = 0.02 * np.nan_to_num(median(np.where(money > 0, money, np.nan)))
    floor = np.where(floor > 0, floor, 1e-9)
    logs = np.log(np.maximum(np.nan_to_num(money), floor[:, None]))
    logs = np.where(known, logs, np.nan)
    factor = _week_shape(logs.reshape(-1, WEEKS, 7))
    flat = (logs.reshape(-1, WEEKS, 7) - factor[:, None, :]).reshape(-1, LENGTH)
    flat = np.where(place >= since[:, None], flat, np.nan)
    slope = _trend(flat)
    at_end = flat + slope[:, None] * np.arange(LENGTH, 0, -1)
    level = _level(at_end, LEVEL_DAYS)
    deviation = np.abs(at_end[:, -2 * LEVEL_DAYS :] - level[:, None])
    return Fit(
        end=end,
        level=level,
        slope=slope,
        factor=factor,
        scale=_MAD * median(deviation),
        floor=floor,
        recent=_or_nan(at_end[:, -7:], 4),
        before=_level(at_end[:, :-14], LEVEL_DAYS + 7),
        active_share=_active(money, floor),
    )


def _active(money: Floats, floor: Floats) -> Floats:
    recent = money[:, -56:]
    days = np.maximum(np.sum(~np.isnan(recent), axis=1), 1)
    share: Floats = np.sum(recent > floor[:, None], axis=1) / days
    return share


def _week_shape(weeks: Floats) -> Floats:
    """Give the weekday effects, shrunk towards none where noise alone would explain them."""
    deviation = weeks - median(weeks)[..., None]
    by_weekday = np.swapaxes(deviation, 1, 2)
    shape = median(by_weekday)
    count = np.sum(~np.isnan(by_weekday), axis=2)
    shape = np.where(count >= 3, np.nan_to_num(shape), 0.0)
    noise = np.nan_to_num(_MAD * median(np.abs(by_weekday - shape[..., None])).mean(axis=1))
    error = 1.57 * noise**2 / np.maximum(count.min(axis=1), 1)
    spread = shape.var(axis=1)
    kept = np.where(spread > 0, np.maximum(1 - error / np.maximum(spread, 1e-12), 0), 0)
    shrunk: Floats = shape * kept[:, None]
    return shrunk


def _trend(flat: Floats) -> Floats:
    """Give Theil-Sen's slope over weekly medians; 0 unless most pairs of weeks agree on its sign.

    Source: Sen (1968), Estimates of the regression coefficient based on Kendall's tau.
    """
    weeks = median(flat.reshape(-1, WEEKS, 7))[:, : WEEKS - TREND_REST_WEEKS]
    pairs = np.array(list(combinations(range(weeks.shape[1]), 2)))
    rise = (weeks[:, pairs[:, 1]] - weeks[:, pairs[:, 0]]) / (7 * (pairs[:, 1] - pairs[:, 0]))
    low, middle, high = quantile(rise, 0.2), median(rise), quantile(rise, 0.8)
    agreed = (low * high > 0) & (np.sum(~np.isnan(weeks), axis=1) >= _TREND_WEEKS)
    return np.where(agreed, np.clip(middle, -MAX_DAILY_TREND, MAX_DAILY_TREND), 0.0)


def _level(at_end: Floats, days: int) -> Floats:
    return np.where(
        np.sum(~np.isnan(at_end[:, -days:]), axis=1) >= _FEW_DAYS,
        median(at_end[:, -days:]),
        median(at_end),
    )


def _or_nan(values: Floats, least: int) -> Floats:
    return np.where(np.sum(~np.isnan(values), axis=1) >= least, median(values), np.nan)


class FeeCalendar:
    """Fees and jobs that come on the same day of each month, learned from earlier months.

    A fee is expected once two earlier months had it, and while at least half of the last
    four months did.
    """

    def __init__(self, rows: int, first_day: int, days: int) -> None:
        self._excess: Floats = np.full((rows, days), np.nan)
        """By how much a day stood out of the eight days around it, in money."""
        self._least: Floats = np.full((rows, days), np.nan)
        """The excess from which it may have been a fee."""
        earlier = _earlier_months(first_day, days + FEE_AHEAD_DAYS)
        self._earlier = np.where(earlier < days, earlier, -1)

    def learn(self, cost: Floats, factors: Floats, noise: Floats, rows: Ints, day: Ints) -> None:
        """Measure how much `day` stands out of the four days before and after it.

        `factors` are the weekday effects of `day - 4 ... day + 4`, shape (rows, 9); `noise` is
        the usual deviation of a day, as a share.
        """
        around = window(cost, rows, day + 5, 9) / np.exp(factors)
        here = around[:, 4].copy()
        around[:, 4] = np.nan
        usual = median(around)
        weight = np.exp(factors[:, 4])
        fine = (day >= 4) & (day < self._excess.shape[1])
        self._excess[rows[fine], day[fine]] = ((here - usual) * weight)[fine]
        least = np.maximum(_FEE_JUMP, _FEE_NOISE * np.nan_to_num(noise))
        self._least[rows[fine], day[fine]] = (least * np.maximum(usual * weight, 0))[fine]

    def expected(self, rows: Ints, day: Ints) -> tuple[Floats, Floats]:
        """Give the fee expected on a day, and by how much it may vary; 0 where none is."""
        by_start = self._usual(rows, self._earlier[0][day], least_share=0.5)
        # The last days of a month also count from its end, if no month is an exception.
        by_end = self._usual(rows, self._earlier[1][day], least_share=1.0)
        last = by_end[0] > by_start[0]
        return np.where(last, by_end[0], by_start[0]), np.where(last, by_end[1], by_start[1])

    def _usual(self, rows: Ints, earlier: Ints, *, least_share: float) -> tuple[Floats, Floats]:
        earlier = earlier[:, :FEE_MONTHS]
        seen = np.where(earlier >= 0, self._excess[rows[:, None], earlier], np.nan)
        least = np.where(earlier >= 0, self._least[rows[:, None], earlier], np.nan)
        fee = np.where(seen > least, seen, np.nan)
        count = np.sum(~np.isnan(fee), axis=1)
        months = np.sum(~np.isnan(seen), axis=1)
        usual = (count >= 2) & (count >= least_share * months)
        amount = np.where(usual, np.nan_to_num(median(fee)), 0.0)
        spread = np.nan_to_num(quantile(fee, 1.0) - quantile(fee, 0.0))
        return amount, np.where(usual, np.maximum(spread, 0.1 * amount), 0.0)


def _earlier_months(first_day: int, days: int) -> Ints:
    """Give, for each day, the columns of the same day of earlier months; -1 before the first.

    Shape (2, days, FEE_MONTHS): counted from the month's start, and, for a month's last three days
    only, from its end.
    """
    columns = np.full((2, days, FEE_MONTHS), -1, dtype=np.int64)
    for column in range(days):
        today = EPOCH + timedelta(days=first_day + column)
        following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        to_end = (following - today).days
        start = today.replace(day=1)
        for back in range(FEE_MONTHS):
            end, start = start, (start - timedelta(days=1)).replace(day=1)
            length = (end - start).days
            same = (
                start + timedelta(days=min(today.day, length) - 1),
                end - timedelta(days=min(to_end, length)),
            )
            for kind, day in enumerate(same):
                if kind == 0 or to_end <= _LAST_DAYS:
                    columns[kind, column, back] = max((day - EPOCH).days - first_day, -1)
    return columns
