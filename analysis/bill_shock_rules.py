"""When a day is a shock: each rule as plain arithmetic on arrays of rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from analysis.series import Flags, Floats, Ints, median, quantile


class Rule(IntEnum):
    """Why a day was called a shock."""

    NONE = 0
    JUMP = 1
    TWO_OF_FOUR = 2
    DRIFT = 3
    NEW = 4
    BURST = 5
    CONTINUES = 6
    DROP = 7


RULE_TEXTS = {
    Rule.JUMP: "one day far above everything that this series has shown",
    Rule.TWO_OF_FOUR: "two of four days well above what is usual",
    Rule.DRIFT: "the median of a week has drifted away from the weeks before",
    Rule.NEW: "costs where there were none before",
    Rule.BURST: "a series of now-and-then costs spends more than it ever did",
    Rule.CONTINUES: "still above what is usual, in the days after a shock",
    Rule.DROP: "three of four days far below what is usual",
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How far a day must stand out. Shares are of the expectation; factors are of the noise.

    The noise of a series is measured by its own past misses: `scale` (a robust standard
    deviation) and `tail` (the 98.5 % quantile).
    """

    jump_share: float = 0.25
    jump_scale: float = 6.5
    jump_tail: float = 1.35
    again_share: float = 0.16
    again_scale: float = 3.2
    again_tail: float = 1.0
    drift_share: float = 0.18
    drift_scale: float = 2.0
    drift_tail: float = 1.15
    drop_share: float = 0.50
    drop_scale: float = 4.0
    drop_tail: float = 0.9
    young: float = 2.0
    """All of the above are this much wider for a series without six weeks of judged days."""
    burst_day: float = 1.75
    burst_week: float = 1.45
    continues: float = 0.6
    """A shock lasts while a day exceeds this share of the limit."""

    def scaled(self, by: float) -> Thresholds:
        """Give the same rules, `by` times less sensitive."""
        fields = {
            name: 1 + (getattr(self, name) - 1) * by
            if name in _FACTORS
            else getattr(self, name) * by
            for name in self.__slots__
            if name not in _KEPT
        }
        return Thresholds(**fields)


DEFAULT = Thresholds()
_FACTORS = {"burst_day", "burst_week"}
_KEPT = {"young", "continues"}
TAIL = 0.985


@dataclass(frozen=True, slots=True)
class Limits:
    """How far above or below the logarithm of its expectation a day may lie."""

    jump: Floats
    again: Floats
    drift: Floats
    drop: Floats


def limits(past: Floats, past_drift: Floats, scale: Floats, young: Flags, by: Thresholds) -> Limits:
    """Give the limits of rows from their own past misses, shape (rows, days), NaN left out."""
    own = 1.4826 * median(np.abs(past))
    scale = np.where(young | np.isnan(own), np.maximum(scale, np.nan_to_num(own)), own)
    tail = np.nan_to_num(quantile(past, TAIL))
    low = np.nan_to_num(-quantile(past, 1 - TAIL))
    drift = np.nan_to_num(quantile(np.abs(past_drift), TAIL))
    wide = np.where(young, by.young, 1.0)

    def limit(share: float, noise: float, of_tail: Floats) -> Floats:
        return wide * np.maximum(np.maximum(np.log1p(share), noise * scale), of_tail)

    return Limits(
        jump=limit(by.jump_share, by.jump_scale, by.jump_tail * tail),
        again=limit(by.again_share, by.again_scale, by.again_tail * tail),
        drift=limit(by.drift_share, by.drift_scale, by.drift_tail * drift),
        drop=limit(by.drop_share, by.drop_scale, by.drop_tail * low),
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """How far rows are from their expectation, in logarithms."""

    miss: Floats
    """The day over its expectation."""
    last: Floats
    """The same of the three days before, shape (rows, 3); NaN where unknown."""
    drift: Floats
    """The median of the last week over what the weeks before let expect."""
    lasting: Flags
    """A day of the last three was alerted."""


def up(at: Measured, limit: Limits, by: Thresholds, *, only_jump: Flags | bool) -> Ints:
    """Give the rule by which each row's day is too high, `Rule.NONE` where it is not."""
    again = (at.miss > limit.again) & (np.sum(at.last > limit.again[:, None], axis=1) >= 1)
    drifts = (at.drift > limit.drift) & (at.miss > 0.5 * limit.drift)
    goes_on = at.lasting & (at.miss > by.continues * np.minimum(limit.again, limit.drift))
    several = ~np.broadcast_to(np.asarray(only_jump), at.miss.shape)
    return np.select(
        [at.miss > limit.jump, several & again, several & drifts, several & goes_on],
        [int(Rule.JUMP), int(Rule.TWO_OF_FOUR), int(Rule.DRIFT), int(Rule.CONTINUES)],
        int(Rule.NONE),
    )


def down(miss: Floats, last: Floats, limit: Limits) -> Flags:
    """Mark rows whose day is too low, as two of the three before were; one or two are a holiday."""
    before = np.sum(last < -limit.drop[:, None], axis=1) >= 2
    low: Flags = (miss < -limit.drop) & before
    return low


def burst(money: Floats, past: Floats, by: Thresholds) -> tuple[Ints, Floats]:
    """Judge a series that costs something only now and then.

    `past` holds the unalerted days before (rows, days). Gives the rule, and the money above
    which a single day is too much.
    """
    highest = quantile(np.where(past > 0, past, np.nan), TAIL)
    day_limit = by.burst_day * np.nan_to_num(highest, nan=np.inf)
    running = np.cumsum(np.nan_to_num(past), axis=1)
    weeks = running[:, 7:] - running[:, :-7]
    week = money + np.nan_to_num(past[:, -6:]).sum(axis=1)
    week_limit = by.burst_week * quantile(weeks, 0.99)
    much = (money > day_limit) | ((week > week_limit) & (money > 0.5 * np.nan_to_num(highest)))
    return np.where(much, int(Rule.BURST), int(Rule.NONE)), day_limit
