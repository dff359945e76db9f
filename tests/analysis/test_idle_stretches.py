"""Idleness on minutes made by hand, and what must hold on any minutes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.idle_minutes import IDLE_SUMS, IdleRule, Minutes, dense, spells
from analysis.idle_power import IdlePower, learn
from analysis.idle_stretches import Card, stretches
from spendwatt.records import GpuState, IdleStretch

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
FIRST = int(MIDNIGHT.timestamp()) // 60
CARD = Card("GPU-1")


def minutes(
    picture: str, *, mib: float = 40_000, watts: dict[str, float] | None = None, first: int = FIRST
) -> Minutes:
    """Draw minutes: `.` idle, `B` busy, `?` nothing known."""
    known = np.array([mark != "?" for mark in picture])
    busy = np.array([mark == "B" for mark in picture])
    power = np.array([(watts or {}).get(mark, 0.0) for mark in picture])
    number = np.flatnonzero(known)
    columns = {
        "util_seconds": np.full(len(picture), 60.0),
        "busy_seconds": 60.0 * busy,
        "util_percent_seconds": 60 * 90.0 * busy,
        "memory_seconds": np.full(len(picture), 60.0),
        "memory_mib_seconds": np.full(len(picture), 60.0 * mib),
        "power_seconds": np.full(len(picture), 60.0 if watts else 0.0),
        "power_joules": 60 * power,
    }
    return dense(number + first, {name: column[number] for name, column in columns.items()})


def spans(found: list[IdleStretch]) -> list[tuple[int, int]]:
    """Give the stretches as minutes after midnight."""
    minute = timedelta(minutes=1)
    return [((s.started_at - MIDNIGHT) // minute, (s.ended_at - MIDNIGHT) // minute) for s in found]


def test_an_hour_without_work_is_one_stretch() -> None:
    (found,) = stretches(CARD, minutes("B" * 30 + "." * 60 + "B" * 30))
    assert spans([found]) == [(30, 90)]
    assert found.state is GpuState.IDLE_HELD
    assert found.idle_seconds == 3600
    assert found.memory_mib_seconds / found.memory_seconds == 40_000


def test_half_an_hour_without_work_is_no_stretch() -> None:
    assert stretches(CARD, minutes("B" * 60 + "." * 40 + "B" * 60)) == []


def test_a_blip_does_not_break_a_stretch_and_does_not_count_as_idle() -> None:
    (found,) = stretches(CARD, minutes("." * 50 + "BB" + "." * 50))
    assert spans([found]) == [(0, 102)]
    assert found.idle_seconds == 100 * 60
    assert found.util_percent_seconds == 0


def test_a_stretch_neither_starts_nor_ends_in_a_busy_minute() -> None:
    assert spans(stretches(CARD, minutes("BBBB" + "." * 80 + "BBBB"))) == [(4, 84)]


def test_a_window_known_too_little_is_not_idle() -> None:
    assert stretches(CARD, minutes("..?" * 60)) == []


def test_a_long_gap_ends_a_stretch_and_a_short_one_is_bridged_without_counting() -> None:
    long, short = "." * 90 + "?" * 5 + "." * 90, "." * 90 + "?" * 3 + "." * 90
    assert spans(stretches(CARD, minutes(long))) == [(0, 90), (95, 185)]
    (bridged,) = stretches(CARD, minutes(short))
    assert bridged.idle_seconds == 180 * 60


def test_an_empty_card_is_idle_empty() -> None:
    assert [s.state for s in stretches(CARD, minutes("." * 90, mib=3))] == [GpuState.IDLE_EMPTY]


@pytest.mark.parametrize(
    ("mib", "processes", "allocated", "state"),
    [
        (3, 1, np.nan, GpuState.IDLE_HELD),
        (3, 0, np.nan, GpuState.IDLE_EMPTY),
        (3, 0, 1, GpuState.ALLOCATED_NO_PROCESS),
        (3, np.nan, 1, GpuState.IDLE_EMPTY),
        (40_000, 0, np.nan, GpuState.ORPHAN_MEMORY),
        (40_000, 2, 1, GpuState.IDLE_HELD),
    ],
)
def test_who_holds_an_idle_card_names_its_state(
    mib: float, processes: float, allocated: float, state: GpuState
) -> None:
    rows = minutes("." * 90, mib=mib)
    rows = replace(
        rows, processes=np.full(len(rows), processes), allocated=np.full(len(rows), allocated)
    )
    assert [s.state for s in stretches(CARD, rows)] == [state]


def test_a_state_that_lasts_splits_the_stretch_and_one_that_flickers_does_not() -> None:
    rows = minutes("." * 200)
    mib = np.full(200, 40_000.0)
    mib[50:55] = 0
    mib[120:] = 0
    found = stretches(CARD, replace(rows, memory_mib_seconds=60 * mib))
    assert spans(found) == [(0, 120), (120, 200)]
    assert [s.state for s in found] == [GpuState.IDLE_HELD, GpuState.IDLE_EMPTY]


def test_a_card_that_draws_power_without_utilization_is_at_work() -> None:
    picture = "." * 90 + "w" * 90
    found = stretches(CARD, minutes(picture, watts={".": 70, "w": 180}))
    assert spans(found) == [(0, 90)]


def test_power_within_the_tolerance_or_the_accuracy_of_the_reading_is_idle() -> None:
    loud = minutes("." * 90 + "w" * 90, watts={".": 70, "w": 80})
    small = minutes("." * 90 + "w" * 90, watts={".": 9, "w": 13})
    assert spans(stretches(CARD, loud)) == [(0, 180)]
    assert spans(stretches(CARD, small)) == [(0, 180)]


def test_a_card_always_idle_is_idle_by_its_own_baseline() -> None:
    rows = minutes("." * 300, watts={".": 71})
    assert learn(rows, IdleRule()).held_watts == pytest.approx(71)
    assert spans(stretches(CARD, rows)) == [(0, 300)]


def test_a_card_never_seen_idle_has_no_baseline() -> None:
    assert learn(minutes("B" * 300, watts={"B": 400}), IdleRule()) == IdlePower()


def test_a_baseline_from_the_past_shows_hidden_work_that_never_pauses() -> None:
    rows = minutes("." * 120, watts={".": 250})
    assert len(stretches(CARD, rows)) == 1
    known = Card("GPU-1", IdlePower(held_watts=70))
    assert stretches(known, rows) == []


def test_no_card_idles_near_its_power_limit() -> None:
    rows = minutes("." * 120, watts={".": 320})
    assert stretches(Card("GPU-1", power_limit_watts=400), rows) == []


def test_a_loaded_card_has_a_baseline_of_its_own() -> None:
    empty, held = minutes("." * 90, mib=0, watts={".": 55}), minutes("." * 90, watts={".": 75})
    both = replace(
        minutes("." * 180),
        **{name: np.concatenate([getattr(empty, name), getattr(held, name)]) for name in IDLE_SUMS},
    )
    assert learn(both, IdleRule()) == IdlePower(empty_watts=55, held_watts=75)
    assert [s.state for s in stretches(CARD, both)] == [GpuState.IDLE_EMPTY, GpuState.IDLE_HELD]


def test_days_are_cut_at_midnight_and_their_sums_add_up() -> None:
    rows = minutes("." * 3000, first=FIRST - 700)
    (whole,) = stretches(CARD, rows)
    parts = stretches(CARD, rows, cut_days=True)
    assert spans(parts) == [(-700, 0), (0, 1440), (1440, 2300)]
    assert sum(p.idle_seconds for p in parts) == whole.idle_seconds


def test_a_year_away_takes_no_memory() -> None:
    numbers = np.array([FIRST, FIRST + 1, FIRST + 525_600])
    found = list(spells(numbers, {"util_seconds": np.full(3, 60.0)}, longest_gap=60))
    assert [len(spell) for spell in found] == [2, 1]


pictures = st.lists(
    st.tuples(st.sampled_from("..??B"), st.integers(1, 90)), min_size=1, max_size=12
).map(lambda runs: "".join(mark * length for mark, length in runs) + ".")


@settings(deadline=None, max_examples=150)
@given(pictures)
def test_missing_data_is_never_idle(picture: str) -> None:
    rows = minutes(picture)
    first = rows.first_minute - FIRST
    for start, end in spans(stretches(CARD, rows)):
        inside = picture[start:end]
        assert inside[0] == "."
        assert inside[-1] == "."
        assert "?" * 4 not in inside
        assert start >= first
    counted = sum(s.idle_seconds for s in stretches(CARD, rows))
    assert counted <= 60 * picture.count(".")


@settings(deadline=None, max_examples=100)
@given(pictures, st.integers(-10_000, 10_000))
def test_idleness_does_not_depend_on_the_moment(picture: str, shift: int) -> None:
    here, there = minutes(picture), minutes(picture, first=FIRST + shift)
    moved = [(start + shift, end + shift) for start, end in spans(stretches(CARD, here))]
    assert spans(stretches(CARD, there)) == moved


@settings(deadline=None, max_examples=100)
@given(pictures)
def test_a_mark_rests_on_a_window_that_qualifies(picture: str) -> None:
    text = "?" * 60 + picture + "?" * 60
    windows = [text[at : at + 60] for at in range(len(text) - 59)]
    good = [
        at
        for at, w in enumerate(windows)
        if len(w) - w.count("?") >= 48 and w.count(".") >= 0.9 * (60 - w.count("?"))
    ]
    marked = {at + step - 60 for at in good for step in range(60)}
    for start, end in spans(stretches(CARD, minutes(picture))):
        assert marked.issuperset(range(start, end))


@settings(deadline=None, max_examples=60)
@given(pictures, st.integers(2, 9))
def test_power_in_other_units_of_size_gives_the_same_idleness(picture: str, scale: int) -> None:
    """Ten times the card at ten times the power: only shares matter above the accuracy."""
    rule = IdleRule(power_accuracy_watts=0)
    one = minutes(picture, watts={".": 70, "B": 400})
    many = replace(one, power_joules=one.power_joules * scale)
    assert spans(stretches(CARD, one, rule)) == spans(stretches(CARD, many, rule))
