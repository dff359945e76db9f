"""Samples become minutes: exactly cut at their borders, never more than was heard or counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.gpu.energy import SECOND, Known, Sample, energy_between
from collectors.gpu.fold import LONGEST_SPAN, Fold, Mark, microseconds
from spendwatt.records import Gpu, MinuteReading

GPU = Gpu("GPU-1", host="node-a", power_limit_watts=700.0)
NOON = microseconds(datetime(2026, 3, 1, 12, tzinfo=UTC))
TEN = timedelta(seconds=10)


def at(seconds: float) -> int:
    return NOON + round(seconds * SECOND)


def fold(samples: list[Sample], step: timedelta = TEN, since: Mark | None = None):
    one = Fold(GPU, step=step, since=since)
    done = [reading for sample in samples for reading in one.add(sample)]
    return done + one.finish()


def energy_seconds(reading: MinuteReading) -> float:
    return (
        reading.energy_counter_seconds
        + reading.energy_integrated_seconds
        + reading.energy_gap_seconds
    )


def energy_joules(readings: list[MinuteReading]) -> float:
    return sum(r.energy_counter_joules + r.energy_integrated_joules for r in readings)


def test_sample_is_cut_at_the_border_of_the_minute() -> None:
    first, second = fold([Sample(at(53), util_percent=40), Sample(at(63), util_percent=0)])
    assert (first.covered_seconds, second.covered_seconds) == (7, 13)
    assert first.util_percent_seconds == 7 * 40
    assert second.util_percent_seconds == 3 * 40
    assert (first.busy_seconds, second.busy_seconds) == (7, 3)
    assert second.util_max_percent == 40  # it held into this minute


def test_sample_speaks_for_one_step_when_the_next_is_far() -> None:
    (reading,) = fold([Sample(at(0), util_percent=1), Sample(at(40), util_percent=1)])
    assert reading.covered_seconds == 20
    assert reading.energy_gap_seconds == 50


def test_unknown_values_have_no_known_seconds() -> None:
    (reading,) = fold([Sample(at(0), power_watts=100), Sample(at(10), power_watts=100)])
    assert (reading.covered_seconds, reading.util_seconds, reading.memory_seconds) == (20, 0, 0)
    assert reading.util_max_percent is None
    assert reading.memory_max_mib is None


def test_counter_spans_the_time_in_which_nobody_looked() -> None:
    done = fold(
        [Sample(at(0), util_percent=9, counter_joules=5), Sample(at(600), counter_joules=30_005)]
    )
    assert len(done) == 11
    assert energy_joules(done) == pytest.approx(30_000)
    assert [r.covered_seconds for r in done] == [10, *[0] * 9, 10]
    assert [r.energy_counter_seconds for r in done] == [60] * 10 + [0]


def test_restarted_collector_goes_on_from_the_mark_of_the_last_minute() -> None:
    first = Fold(GPU, step=TEN)
    done = []
    for second in range(0, 75, 10):
        done += first.add(Sample(at(second), util_percent=1, counter_joules=100.0 * second))
    mark = Mark(at(60), done[-1].counter_joules_at_end)
    assert mark.counter_joules == pytest.approx(6_000)
    again = fold([Sample(at(93), util_percent=1, counter_joules=9_300)], since=mark)
    assert again[0].minute_at == datetime(2026, 3, 1, 12, 1, tzinfo=UTC)
    assert energy_joules(done + again) == pytest.approx(9_300)
    assert again[0].covered_seconds == 10


def test_counter_that_went_backwards_falls_back_to_power() -> None:
    earlier = Sample(at(0), power_watts=100, counter_joules=1_000)
    later = Sample(at(10), power_watts=300, counter_joules=20)
    energy = energy_between(earlier, later, step=10 * SECOND)
    assert energy.known is Known.INTEGRATED
    assert energy.joules(at(0), at(10)) == pytest.approx(2_000)
    assert energy.joules(at(0), at(5)) == pytest.approx(750)


def test_counter_that_is_faster_than_the_board_can_be_is_refused() -> None:
    earlier = Sample(at(0), counter_joules=0)
    later = Sample(at(10), counter_joules=700 * 10 * 1.2 + 100)
    assert energy_between(earlier, later, step=10 * SECOND, limit_watts=700).known is Known.GAP
    assert energy_between(earlier, later, step=10 * SECOND).known is Known.COUNTER


def test_counter_that_stands_still_tells_nothing() -> None:
    earlier = Sample(at(0), power_watts=70, counter_joules=5)
    later = Sample(at(10), power_watts=70, counter_joules=5)
    assert energy_between(earlier, later, step=10 * SECOND).known is Known.INTEGRATED
    soon = Sample(at(0.05), counter_joules=5)  # the counter advances ten times a second
    assert energy_between(earlier, soon, step=10 * SECOND).known is Known.COUNTER


def test_power_readings_far_apart_are_a_gap_and_no_guess() -> None:
    earlier, later = Sample(at(0), power_watts=100), Sample(at(31), power_watts=100)
    energy = energy_between(earlier, later, step=10 * SECOND)
    assert energy.known is Known.GAP
    assert energy.joules(at(0), at(31)) == 0


def test_very_long_silence_leaves_no_rows_behind() -> None:
    far = NOON + LONGEST_SPAN + 1
    done = fold([Sample(NOON, util_percent=1), Sample(far, util_percent=1)])
    assert [r.covered_seconds for r in done] == [10, 10]


def test_samples_out_of_order_are_refused() -> None:
    one = Fold(GPU, step=TEN)
    one.add(Sample(at(10)))
    assert not one.follows(at(10))
    with pytest.raises(ValueError, match="order of time"):
        one.add(Sample(at(9)))


def test_xid_lands_in_its_minute_once() -> None:
    first, second = fold([Sample(at(55), xids=(79, 79)), Sample(at(65))])
    assert (first.xids, second.xids) == ((79, 79), ())


gaps = st.lists(
    st.one_of(st.integers(1, 40_000_000), st.integers(1, 600 * SECOND)), min_size=1, max_size=25
)
maybe_power = st.one_of(st.none(), st.floats(0, 700))


@given(start=st.integers(0, 60 * SECOND), gaps=gaps, data=st.data())
@settings(deadline=None, max_examples=80)
def test_parts_sum_to_the_whole(start: int, gaps: list[int], data: st.DataObject) -> None:
    moment, counter, samples = NOON + start, 0.0, []
    for gap in [0, *gaps]:
        moment += gap
        counter += gap / SECOND * data.draw(st.floats(0, 700))
        samples.append(
            Sample(
                moment,
                util_percent=data.draw(st.one_of(st.none(), st.floats(0, 100))),
                power_watts=data.draw(maybe_power),
                counter_joules=counter if data.draw(st.booleans()) else None,
            )
        )
    done = fold(samples)

    step = 10 * SECOND
    heard = sum(gap if gap <= 3 * step else step for gap in gaps) + step
    assert sum(r.covered_seconds for r in done) == pytest.approx(heard / SECOND)
    assert sum(map(energy_seconds, done)) == pytest.approx((moment - samples[0].at + step) / SECOND)
    expected = 0.0
    for one, two in pairwise(samples):
        energy = energy_between(one, two, step=step, limit_watts=700)
        expected += energy.joules(one.at, two.at)
    assert energy_joules(done) == pytest.approx(expected)

    minutes = [r.minute_at for r in done]
    assert minutes == sorted(set(minutes))
    for r in done:
        assert 0 <= r.busy_seconds <= r.util_seconds <= r.covered_seconds <= 60
        assert r.covered_seconds - 1e-6 <= energy_seconds(r) <= 60 + 1e-6
