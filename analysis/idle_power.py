"""Learns what each card draws when it does nothing, so that hidden work is not taken for idle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.idle_minutes import Flags, IdleRule, Minutes, is_held, ratio

FLOOR_QUANTILE = 0.10
"""The baseline is a low quantile of the quiet rows: time with hidden work lies above it, and one
odd reading cannot pull it down as it would a minimum."""
MIN_SECONDS = 1800.0
"""Quiet seconds with known power below which a baseline is not believed."""
IDLE_SHARE_OF_LIMIT = 0.6
"""No card idles above this share of its power limit (a T4 with its clocks up comes to half)."""


@dataclass(frozen=True, slots=True)
class IdlePower:
    """Watts of an idle card. A loaded model or an open context draws more than an empty card.

    None: it was never seen idle so, and only the power limit can contradict its utilization.
    """

    empty_watts: float | None = None
    held_watts: float | None = None

    def or_else(self, other: IdlePower) -> IdlePower:
        """Fill what is not known here from another span's baseline."""
        return IdlePower(
            self.empty_watts if self.empty_watts is not None else other.empty_watts,
            self.held_watts if self.held_watts is not None else other.held_watts,
        )


NOTHING_LEARNED = IdlePower()


def learn(rows: Minutes, rule: IdleRule) -> IdlePower:
    """Learn the baseline from all rows (minutes or whole hours) without any busy second.

    A card that is always idle gives nearly its usual draw; one that never was gives None.
    """
    quiet = (rows.util_seconds > 0) & (rows.busy_seconds == 0) & (rows.power_seconds > 0)
    held = is_held(rows, rule)
    return IdlePower(
        empty_watts=_floor(rows, quiet & ~held),
        held_watts=_floor(rows, quiet & held),
    )


def draws_idle_power(
    rows: Minutes, rule: IdleRule, known: IdlePower, power_limit_watts: float | None
) -> Flags:
    """Tell where power agrees with idleness, or is not known at all.

    Drawing less than the baseline is no sign of work, so only the upper side is judged.
    """
    baseline = np.where(is_held(rows, rule), _or_nan(known.held_watts), _or_nan(known.empty_watts))
    slack = np.maximum(baseline * rule.power_tolerance, rule.power_accuracy_watts)
    ceiling = _or_nan(power_limit_watts) * IDLE_SHARE_OF_LIMIT
    allowed = np.fmin(baseline + slack, ceiling)
    is_above: Flags = ratio(rows.power_joules, rows.power_seconds) > allowed
    return ~is_above


def _or_nan(watts: float | None) -> float:
    return np.nan if watts is None else watts


def _floor(rows: Minutes, chosen: Flags) -> float | None:
    """Give the low quantile of mean watts, each row weighing its known seconds."""
    seconds = rows.power_seconds[chosen]
    if seconds.sum() < MIN_SECONDS:
        return None
    watts = rows.power_joules[chosen] / seconds
    order = np.argsort(watts, kind="stable")
    share = np.cumsum(seconds[order]) / seconds.sum()
    return float(watts[order][np.searchsorted(share, FLOOR_QUANTILE)])
