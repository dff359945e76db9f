"""A value that is missing between two close samples is known; one that is missing longer is not."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.gpu.energy import SECOND, Sample
from collectors.gpu.holes import Holes

STEP = 10 * SECOND


def through(samples: list[Sample]) -> list[Sample]:
    holes = Holes(timedelta(seconds=10))
    return [out for sample in samples for out in holes.take(sample)] + holes.rest()


def utils(values: list[float | None]) -> list[float | None]:
    samples = [Sample(i * STEP, util_percent=value) for i, value in enumerate(values)]
    return [sample.util_percent for sample in through(samples)]


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ([7, None, None, 9], [7, 7, 7, 9]),
        ([7, None, None, None, 9], [7, None, None, None, 9]),
        ([7, None, None], [7, None, None]),
        ([None, None, 9], [None, None, 9]),
        ([None, None], [None, None]),
    ],
)
def test_a_hole_of_two_steps_is_filled_and_no_longer_one(
    told: list[float | None], known: list[float | None]
) -> None:
    assert utils(told) == known


def test_power_runs_evenly_over_a_hole() -> None:
    samples = [
        Sample(0, power_watts=100.0),
        Sample(STEP),
        Sample(2 * STEP),
        Sample(3 * STEP, power_watts=130.0),
    ]
    assert [s.power_watts for s in through(samples)] == [100, 110, 120, 130]


cells = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from([None, 0.0, 50.0]), st.sampled_from([None, 3.0])),
    max_size=40,
)


@settings(deadline=None, max_examples=150)
@given(cells)
def test_samples_keep_their_order_and_what_they_told(
    told: list[tuple[int, float | None, float | None]],
) -> None:
    at, samples = 0, []
    for steps, util, memory in told:
        at += steps * STEP
        samples.append(Sample(at, util_percent=util, memory_used_mib=memory))
    out = through(samples)
    assert [s.at for s in out] == [s.at for s in samples]
    for before, after in zip(samples, out, strict=True):
        assert before.util_percent in {None, after.util_percent}
        assert before.memory_used_mib in {None, after.memory_used_mib}
