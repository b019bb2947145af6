import time

import pytest

from jobs.reconcile import pace


@pytest.fixture
def slept(monkeypatch):
    rests: list[float] = []
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", rests.append)
    monkeypatch.setattr(pace, "_free_at", {})
    rests_and_clock = (rests, clock)
    return rests_and_clock


def test_a_pass_waits_as_long_as_the_last_one_took(slept):
    rests, clock = slept
    with pace.measured(1):
        clock[0] += 0.02
    pace.rest(1)
    assert rests == [pytest.approx(0.02)]


def test_a_pass_after_a_pause_begins_at_once(slept):
    rests, clock = slept
    with pace.measured(1):
        clock[0] += 0.02
    clock[0] += 0.03
    pace.rest(1)
    pace.rest(2)
    assert rests == []


def test_no_wait_is_long(slept):
    rests, clock = slept
    with pace.measured(1):
        clock[0] += 9
    pace.rest(1)
    assert rests == [pytest.approx(pace.LONGEST_REST)]
