import threading
import time

import pytest

from jobs.reconcile import pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: made.now)
    monkeypatch.setattr(time, "sleep", made.sleep)
    pace._paces.clear()
    return made


def take_turn(clock: Clock, seconds: float) -> None:
    with pace.turn(1):
        clock.now += seconds


def test_a_pass_waits_as_long_as_the_last_one_took(clock):
    take_turn(clock, 0.02)
    take_turn(clock, 0.03)
    assert clock.slept == [pytest.approx(0.02)]


def test_a_pass_after_a_pause_begins_at_once(clock):
    take_turn(clock, 0.02)
    clock.now += 0.03
    take_turn(clock, 0.02)
    with pace.turn(2):
        pass
    assert clock.slept == []


def test_no_wait_is_long(clock):
    take_turn(clock, 9)
    take_turn(clock, 0)
    assert clock.slept == [pytest.approx(pace.LONGEST_REST)]


def test_a_pool_far_away_rests_for_less(clock):
    with pace.turn(1, longest_rest=pace.FAR_REST):
        clock.now += 9
    take_turn(clock, 0)
    assert clock.slept == [pytest.approx(pace.FAR_REST)]


def test_one_pass_at_a_time():
    inside, most = [], []

    def run() -> None:
        for _ in range(20):
            with pace.turn(3):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 80
    assert max(most) == 1


def test_a_pass_that_fails_gives_its_turn_back(clock):
    with pytest.raises(ZeroDivisionError), pace.turn(1):
        raise ZeroDivisionError
    take_turn(clock, 0)
