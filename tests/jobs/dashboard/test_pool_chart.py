"""What a pool's chart draws."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jobs.dashboard.pool_chart import HEIGHT, WIDTH, Series, Window, draw, path

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = Window(START, START + timedelta(hours=1), 150)


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def test_points_are_joined_and_a_hole_is_left_open() -> None:
    points = [(at(0), 0.0), (at(1), 50.0), (at(30), 100.0), (at(60), 100.0)]
    assert path(points, HOUR, 100) == f"M0.0 {HEIGHT:.1f}L10.0 36.0M300.0 0.0M600.0 0.0"


def test_what_is_outside_the_window_is_left_out() -> None:
    assert path([(at(-1), 1.0), (at(61), 1.0)], HOUR, 1) == ""


@given(st.lists(st.tuples(st.floats(-10, 70), st.floats(0, 1e12)), max_size=50))
def test_nothing_is_drawn_beyond_the_edges(raw: list[tuple[float, float]]) -> None:
    points = [(at(minute), value) for minute, value in sorted(raw)]
    drawn = draw("", [Series("", "", points)], HOUR).lines[0].path
    numbers = drawn.replace("M", " ").replace("L", " ").split()
    assert all(0 <= float(x) <= WIDTH for x in numbers[::2])
    assert all(0 <= float(y) <= HEIGHT for y in numbers[1::2])
