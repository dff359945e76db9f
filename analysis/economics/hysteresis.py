"""Tells a crossing once: after several evaluations agree, and again only after it has re-armed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

Place = Literal["cloud", "local"]

ENTER = Decimal("0.10")
REARM = Decimal("0.02")
CONFIRM = 3


def crossings(
    ratios: Sequence[Decimal],
    *,
    runs_in: Place,
    enter: Decimal = ENTER,
    rearm: Decimal = REARM,
    confirm: int = CONFIRM,
) -> list[int]:
    """Give the places in `ratios` (local cost over cloud cost) at which to tell.

    What runs in the cloud is told at the `confirm`-th ratio in a row at or below 1 - enter, then
    not again before some ratio has come back to 1 - rearm. For what runs locally, mirrored.
    """
    told, run, armed = [], 0, True
    for place, ratio in enumerate(ratios):
        gain = 1 - ratio if runs_in == "cloud" else ratio - 1
        run = run + 1 if gain >= enter else 0
        if gain <= rearm and not armed:
            armed = True
        if armed and run >= confirm:
            told.append(place)
            armed = False
    return told


def has_crossed(ratios: Sequence[Decimal], *, runs_in: Place, is_told: bool) -> bool:
    """Tell whether the last ratio of several still, or newly, calls for a move.

    Newly: each of the last `CONFIRM` is beyond `ENTER`. Still (`is_told`): the last is not back
    within `REARM`.
    """
    gains = [1 - ratio if runs_in == "cloud" else ratio - 1 for ratio in ratios]
    if is_told:
        return bool(gains) and gains[-1] > REARM
    return len(gains) >= CONFIRM and all(gain >= ENTER for gain in gains[-CONFIRM:])
