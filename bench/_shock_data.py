"""Makes up ledgers whose shocks are known: many habits of spending, late data, true labels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from analysis.backtest_score import Label
from analysis.ledger import DAY_SECONDS, Change, Ledger

FIRST_DAY = date(2024, 2, 5)
DAYS = 330
EVALUATED_FROM = 165
EPOCH = date(1970, 1, 1)
TUNING_SEEDS = (11, 12, 13)
HELD_OUT_SEEDS = (1201, 1202, 1203)
"""Looked at only for the table, never while choosing a threshold."""

HABITS = (
    "steady", "office", "tokens", "fees", "growth", "decline", "now_and_then", "wander",
    "constant", "batch", "two_level", "young",
)  # fmt: skip
KINDS = ("spike", "level", "ramp", "new", "drop")

# Share of a day known after 1, 2, ... days.
DELAYS = {
    "aws": (0.62, 0.95, 0.993, 1.0),
    "gcp": (0.30, 0.80, 0.96, 0.992, 1.0),
    "azure": (0.50, 0.90, 0.995, 1.0),
    "llm": (0.985, 1.0),
}
HOLIDAYS = tuple(
    date(2024, *day) for day in ((5, 1), (7, 4), (8, 15), (11, 28), (11, 29), (12, 25))
)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Made:
    """A ledger and the truth about it."""

    ledger: Ledger
    labels: tuple[Label, ...]
    true_cost: dict[tuple[str, str], Array]
    """(account, service) -> cost of each day, as it stands in the end."""

    @property
    def evaluated_from(self) -> int:
        return (FIRST_DAY - EPOCH).days + EVALUATED_FROM

    @property
    def last_day(self) -> int:
        return (FIRST_DAY - EPOCH).days + DAYS - 1

    @property
    def series_years(self) -> float:
        return len(self.true_cost) * (DAYS - EVALUATED_FROM) / 365


def make(seed: int, series: int = 200) -> Made:
    """Make `series` series of 330 days; the last 165 are for scoring."""
    random = np.random.default_rng(seed)
    changes: list[Change] = []
    labels: list[Label] = []
    true_cost: dict[tuple[str, str], Array] = {}
    for place in range(series):
        provider = str(random.choice(list(DELAYS)))
        account, service = f"{provider}-{place % 6}", f"service-{place:03d}"
        level = float(np.exp(random.uniform(np.log(4), np.log(3_000))))
        habit = str(random.choice(HABITS))
        cost, noise = _habit(random, habit, level)
        cost, found = _with_shocks(random, cost, noise, habit)
        labels += [_label(account, service, event) for event in found]
        true_cost[account, service] = cost
        name = (provider, account, service, "region-1", "USD")
        changes += _delivered(random, name, cost, DELAYS[provider])
    return Made(Ledger.of(changes), tuple(labels), true_cost)


def _habit(random: np.random.Generator, habit: str, level: float) -> tuple[Array, float]:
    """Give the daily cost of a habit and the size of its daily noise, as a share of the level."""
    days = np.arange(DAYS)
    weekday = (days + FIRST_DAY.weekday()) % 7
    noise = float(random.uniform(0.008, 0.06))
    shape = np.ones(DAYS)
    if habit == "tokens":
        noise = float(random.uniform(0.12, 0.32))
    if habit in ("office", "tokens"):
        shape[weekday >= 5] = random.uniform(0.25, 0.8)
        shape *= 1 + 0.05 * random.standard_normal(7)[weekday]
        for day in HOLIDAYS:
            shape[(day - FIRST_DAY).days : (day - FIRST_DAY).days + 1] = 0.35
    _bend(random, habit, shape)
    jitter = _auto_regressive(noise * random.standard_normal(DAYS), random.uniform(0, 0.5))
    heavy = np.where(random.random(DAYS) < 0.02, random.uniform(2, 4), 1.0)
    cost = level * shape * np.exp(jitter * heavy)
    quiet = random.random(DAYS) < 0.004
    cost[quiet] *= random.uniform(0.3, 0.8, int(quiet.sum()))
    if habit == "constant":
        cost, noise = np.full(DAYS, level), 0.005
    if habit == "now_and_then":
        noise = 0.5
        cost = level * np.exp(0.4 * random.standard_normal(DAYS))
        cost *= random.random(DAYS) < random.uniform(0.15, 0.6)
    if habit in ("fees", "batch"):
        _add_fees(random, cost, level, habit)
    if habit == "young":
        cost[: int(random.integers(20, 28))] = 0.0
    return cost, noise


def _bend(random: np.random.Generator, habit: str, shape: Array) -> None:
    """Let a habit's level move over the year."""
    days = np.arange(DAYS)
    if habit == "growth":
        shape *= np.exp(random.uniform(0.0008, 0.004) * days)
    if habit == "decline":
        shape *= np.exp(-random.uniform(0.0005, 0.002) * days)
    if habit == "wander":
        steps = random.uniform(0.005, 0.02) * random.standard_normal(DAYS)
        shape *= np.exp(_auto_regressive(steps, 0.985))
    if habit == "two_level":
        shape *= np.where((days // 7) % 2 == 0, 1.0, random.uniform(1.04, 1.1))


def _add_fees(random: np.random.Generator, cost: Array, level: float, habit: str) -> None:
    on = int(random.choice([1, 1, 1, 2, 3, 15, 28]))
    size = level * (random.uniform(0.8, 12) if habit == "fees" else random.uniform(1, 3))
    long = 1 if habit == "fees" else int(random.integers(1, 3))
    for place in range(DAYS):
        if (FIRST_DAY + timedelta(days=place)).day == on:
            cost[place : place + long] += size * random.uniform(0.96, 1.04)


def _auto_regressive(steps: Array, keep: float) -> Array:
    result = np.zeros(len(steps))
    for place in range(1, len(steps)):
        result[place] = keep * result[place - 1] + steps[place]
    return result


@dataclass(frozen=True, slots=True)
class _Event:
    kind: str
    start: int
    end: int


def _with_shocks(
    random: np.random.Generator, cost: Array, noise: float, habit: str
) -> tuple[Array, list[_Event]]:
    if random.random() < 0.06:
        start = int(random.integers(EVALUATED_FROM + 5, DAYS - 40))
        cost[:start] = 0.0
        return cost, [_Event("new", start, DAYS - 1)]
    events: list[_Event] = []
    start = EVALUATED_FROM + int(random.integers(3, 60))
    while start < DAYS - 15 and random.random() < 0.6:
        kinds = ("spike", "level") if habit == "now_and_then" else KINDS[:3] + KINDS[4:]
        kind = str(random.choice(kinds))
        event = _Event(kind, start, min(start + _length(random, kind), DAYS - 1))
        _apply(random, cost, event, noise)
        events.append(event)
        start = event.end + 45 + int(random.integers(0, 40))
    return cost, events


def _length(random: np.random.Generator, kind: str) -> int:
    low, high = {"spike": (0, 3), "level": (25, 60), "ramp": (24, 45), "drop": (12, 30)}[kind]
    return int(random.integers(low, high))


def _apply(random: np.random.Generator, cost: Array, event: _Event, noise: float) -> None:
    span = slice(event.start, event.end + 1)
    before = cost[event.start - 28 : event.start]
    usual = float(np.median(before[before > 0])) if (before > 0).any() else 0.0
    if event.kind == "drop":
        cost[span] *= random.uniform(0.0, 0.2)
        return
    share = max(float(random.uniform(0.25, 1.5)), float(random.uniform(4, 12)) * noise)
    grown = np.ones(event.end - event.start + 1)
    if event.kind == "ramp":
        grown = np.linspace(0.05, 1.0, len(grown))
        share = max(float(random.uniform(0.35, 1.2)), 4 * noise)
    cost[span] += usual * share * grown


def _label(account: str, service: str, event: _Event) -> Label:
    latest = {
        "spike": max(event.end - event.start, 1),
        "level": 14,
        "ramp": 30,
        "new": 10,
        "drop": 10,
    }

    def day(place: int) -> date:
        return FIRST_DAY + timedelta(days=place)

    return Label(
        account=account,
        service=service,
        kind=event.kind,
        direction="down" if event.kind == "drop" else "up",
        start=day(event.start),
        end=day(event.end),
        detect_by=day(min(event.start + latest[event.kind], max(event.end, event.start + 1))),
        ignore_until=day(event.end + (10 if event.kind == "spike" else 30)),
    )


def _delivered(
    random: np.random.Generator,
    name: tuple[str, str, str, str, str],
    cost: Array,
    delays: tuple[float, ...],
) -> list[Change]:
    """Split each day's cost into the changes by which it becomes known."""
    first = (FIRST_DAY - EPOCH).days
    changes: list[Change] = []
    for place, amount in enumerate(cost):
        if amount == 0.0:
            continue
        known, late = 0.0, int(random.random() < 0.01)
        restated = amount * 0.004 * random.standard_normal() if random.random() < 0.3 else 0.0
        for age, usual in enumerate(delays, start=1):
            share = 1.0 if age == len(delays) else min(usual * random.uniform(0.93, 1.03), 1.0)
            part = amount * max(share - known, 0.0)
            known = max(share, known)
            received = (first + place + age + late) * DAY_SECONDS
            if part:
                changes.append((name, first + place, received, False, part, part))
        if restated:
            month_end = (FIRST_DAY + timedelta(days=place)).replace(day=1) + timedelta(days=35)
            received = (month_end - EPOCH).days * DAY_SECONDS
            changes.append((name, first + place, received, False, restated, restated))
    return changes
