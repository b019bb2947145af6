"""Series stay small and lose no spike."""

import math

from hypothesis import given
from hypothesis import strategies as st

from jobs.metrics.series import MOST_POINTS, Series

NUMBERS = st.floats(-1e300, 1e300)


def filled(values: list[float]) -> Series:
    series = Series()
    for step, value in enumerate(values):
        series.add(value, step=step, epoch=None, time=float(step))
    return series


@given(st.lists(NUMBERS, max_size=50), st.integers(0, 5000))
def test_every_value_is_accounted_for(values: list[float], more: int) -> None:
    everything = values + [0.5] * more
    series = filled(everything)
    assert len(series.points) <= MOST_POINTS
    assert sum(point.count for point in series.points) == len(everything)
    if everything:
        assert min(point.least for point in series.points) == min(everything)
        assert max(point.largest for point in series.points) == max(everything)
        assert series.points[-1].last == everything[-1]
        assert all(point.least <= point.mean * (1 + 1e-9) + 1e-9 or point.mean < 0 for point in series.points)


def test_few_values_are_kept_as_they_are() -> None:
    series = filled([3.0, 1.0, 2.0])
    assert [(point.step, point.mean, point.count) for point in series.points] == [(0, 3.0, 1), (1, 1.0, 1), (2, 2.0, 1)]


def test_the_mean_of_many_is_their_mean() -> None:
    values = [math.sin(step / 100) for step in range(10_000)]
    series = filled(values)
    assert series.stride > 1
    weighted = sum(point.mean * point.count for point in series.points)
    assert math.isclose(weighted, sum(values), rel_tol=1e-9, abs_tol=1e-9)


def test_a_spike_among_many_stands_out() -> None:
    values = [1.0] * 100_000
    values[54_321] = 99.0
    assert max(point.largest for point in filled(values).points) == 99.0


def test_values_that_are_no_numbers_are_counted_and_placed() -> None:
    series = filled([1.0, math.nan, math.inf])
    assert len(series.points) == 1
    assert (series.non_finite, series.first_non_finite_step) == (2, 1)
