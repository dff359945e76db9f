from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.bill_shock_episodes import episodes
from analysis.bill_shock_replay import Alert
from analysis.bill_shock_rules import DEFAULT, Rule
from analysis.causes import Part, causes
from analysis.series import median, quantile, window
from analysis.wording import exact, money, text

AMOUNTS = st.floats(0, 1e6)


def part(value: str, cost: float, usual: float, noise: float = 0.0) -> Part:
    return Part("service", value, cost, usual, noise)


def test_the_part_that_explains_most_comes_first_with_its_share() -> None:
    ranked = causes([part("a", 130, 100), part("b", 190, 100), part("c", 100, 100)], 1)
    assert [(one.part.value, one.share) for one in ranked] == [("b", 0.75), ("a", 0.25)]


def test_moves_that_cancel_out_do_not_hide_one_another() -> None:
    parts = [part("old", 0, 500), part("new", 500, 0)]
    [up] = causes(parts, 1)
    [down] = causes(parts, -1)
    assert (up.part.value, up.is_new, down.part.value) == ("new", True, "old")


def test_the_noise_of_a_large_part_does_not_explain_the_shock_of_a_small_one() -> None:
    parts = [part("large", 10_300, 10_000, noise=200), part("small", 60, 20, noise=2)]
    assert [one.part.value for one in causes(parts, 1)] == ["small"]


def test_where_all_is_noise_plain_money_ranks() -> None:
    parts = [part("a", 110, 100, noise=50), part("b", 105, 100, noise=50)]
    assert [one.part.value for one in causes(parts, 1)] == ["a", "b"]


@settings(deadline=None)
@given(st.lists(st.tuples(AMOUNTS, AMOUNTS, st.floats(0, 100)), max_size=8))
def test_shares_sum_to_one_or_there_is_no_cause(amounts: list[tuple[float, float, float]]) -> None:
    parts = [part(str(place), *given) for place, given in enumerate(amounts)]
    for direction in (1, -1):
        ranked = causes(parts, direction)
        assert not ranked or sum(one.share for one in ranked) == pytest.approx(1)
        assert all(direction * one.part.excess > 0 for one in ranked)


def alert(day: int, direction: int = 1, row: int = 0) -> Alert:
    return Alert(row, day, day + 2, direction, Rule.JUMP, 2.0, 1.0, 0.5, 1.5)


def test_days_less_than_four_apart_are_one_episode_per_series_and_direction() -> None:
    found = episodes([alert(1), alert(4), alert(8), alert(8, row=1), alert(9, direction=-1)])
    assert [(one.row, one.direction, one.started_on) for one in found] == [
        (0, 1, 1),
        (0, 1, 8),
        (1, 1, 8),
        (0, -1, 9),
    ]


def test_an_earlier_day_that_is_known_later_does_not_rename_the_episode() -> None:
    [found] = episodes([alert(5), alert(4), alert(6)])
    assert (found.started_on, found.first_day, found.last.day) == (5, 4, 6)


def test_less_sensitive_is_wider_in_every_limit() -> None:
    wide = DEFAULT.scaled(1.4)
    for name in ("jump_share", "jump_scale", "again_tail", "drop_share", "burst_day"):
        assert getattr(wide, name) > getattr(DEFAULT, name)
    assert wide.young == DEFAULT.young


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(float("nan"))), min_size=5, max_size=5),
        min_size=1,
        max_size=6,
    ),
    st.floats(0, 1),
)
def test_quantiles_leave_missing_values_out(rows: list[list[float]], share: float) -> None:
    values = np.array(rows)
    for given_row, found in zip(values, quantile(values, share), strict=True):
        known = given_row[~np.isnan(given_row)]
        if known.size:
            assert found == pytest.approx(np.quantile(known, share), abs=1e-6)
        else:
            assert np.isnan(found)


def test_a_window_beyond_the_grid_is_missing() -> None:
    values = np.arange(5.0)[None, :]
    found = window(values, np.array([0]), np.array([2]), 4)
    assert np.isnan(found[0, :2]).all()
    assert found[0, 2:].tolist() == [0.0, 1.0]
    assert median(found).tolist() == [0.5]


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (6120.4, "USD", "$6,120"),
        (-12.4, "USD", "-$12.40"),
        (99.999, "EUR", "€100"),
        (Decimal("1234.5"), "CHF", "1,234 CHF"),
        (0.0, "USD", "$0.00"),
    ],
)
def test_money_is_written_as_people_do(amount: float, currency: str, written: str) -> None:
    assert money(amount, currency) == written


def test_a_statistic_becomes_money_to_the_cent() -> None:
    assert exact(0.125) == Decimal("0.12")
    assert text(1e40) == f"1{40 * '0'}.00"
