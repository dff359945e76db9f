"""Keeps idle stretches up to date: loads the minutes that changed, lets the analysis judge, saves.

A day is judged as a whole, with enough minutes around it that what it gives is the same whenever,
and in whatever order, its minutes came in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from analysis.idle_minutes import IdleRule, dense, spells
from analysis.idle_power import NOTHING_LEARNED, IdlePower, learn
from analysis.idle_stretches import Card, stretches
from spendwatt.records import IdleStretch
from storage import idle
from storage.engine import Store
from storage.idle import Change
from storage.queries import gpus
from storage.queries.gpus import KnownGpu, Steps
from storage.steps import DAY, HOURS_PER_DAY, MINUTES_PER_DAY, start_of

LEARN_DAYS = 30
"""Days whose quiet hours tell what a card draws when idle."""
GPUS_AT_ONCE = 64
"""A day of so many GPUs is some 20 MB in memory."""


def refresh(store: Store, rule: IdleRule | None = None) -> int:
    """Judge every minute that was written since it was judged; give the number of pieces kept.

    Raises StorageError. Stopped half-way, the next call does the rest.
    """
    rule = rule or IdleRule()
    with store.read() as connection:
        changes = idle.changes(connection)
    saved = 0
    for start in range(0, len(changes), GPUS_AT_ONCE):
        batch = changes[start : start + GPUS_AT_ONCE]
        for day, gpu_ids in _days(batch, rule):
            saved += _judge_day(store, rule, day, gpu_ids)
        with store.write() as connection:
            idle.forget_changes(connection, batch)
    return saved


def _days(changes: Sequence[Change], rule: IdleRule) -> Iterator[tuple[int, list[int]]]:
    """Give each day that the changes can bear on, with the GPUs concerned."""
    around = margin(rule)
    days: dict[int, list[int]] = {}
    for change in changes:
        first = (change.from_minute - around) // MINUTES_PER_DAY
        last = (change.to_minute + around) // MINUTES_PER_DAY
        for day in range(first, last + 1):
            days.setdefault(day, []).append(change.gpu_id)
    return iter(sorted(days.items()))


def margin(rule: IdleRule) -> int:
    """Give the minutes on either side of a minute that can decide whether it is idle, and how."""
    return 2 * rule.window_minutes + rule.settled_minutes


def _judge_day(store: Store, rule: IdleRule, day: int, gpu_ids: Sequence[int]) -> int:
    first, around = day * MINUTES_PER_DAY, margin(rule)
    with store.read() as connection:
        known = gpus.gpus(connection, gpu_ids)
        minutes = gpus.minutes(
            connection, gpu_ids, first - around, first + MINUTES_PER_DAY + around
        )
        hours = gpus.quiet_hours(
            connection, gpu_ids, (day - LEARN_DAYS) * HOURS_PER_DAY, (day + 1) * HOURS_PER_DAY
        )
    start = start_of(day, DAY)
    # Where the minutes of a day are gone, what was once found of it stays.
    judged = [gpu for gpu in known if gpu.gpu_id in minutes and _on_day(minutes[gpu.gpu_id], day)]
    found = [
        stretch
        for gpu in judged
        for stretch in _stretches(gpu, minutes[gpu.gpu_id], hours.get(gpu.gpu_id), rule)
        if start <= stretch.started_at < start + DAY
    ]
    with store.write() as connection:
        ids = [gpu.gpu_id for gpu in judged]
        return idle.save_stretches(connection, ids, start, start + DAY, found)


def _on_day(steps: Steps, day: int) -> bool:
    return bool(np.any(steps.numbers // MINUTES_PER_DAY == day))


def _stretches(
    gpu: KnownGpu, steps: Steps, hours: Steps | None, rule: IdleRule
) -> Iterator[IdleStretch]:
    card = Card(
        uuid=gpu.gpu.uuid,
        idle_power=_learned(hours, rule),
        power_limit_watts=gpu.gpu.power_limit_watts,
    )
    for spell in spells(steps.numbers, steps.columns, longest_gap=rule.window_minutes):
        yield from stretches(card, spell, rule, cut_days=True)


def _learned(hours: Steps | None, rule: IdleRule) -> IdlePower:
    """Learn from quiet hours. When they were does not matter: they are laid side by side."""
    if hours is None:
        return NOTHING_LEARNED
    return learn(dense(np.arange(len(hours.numbers)), hours.columns), rule)
