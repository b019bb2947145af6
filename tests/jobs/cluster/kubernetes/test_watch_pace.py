"""How often a reflector may ask: never two full lists within 30 seconds, whatever happens."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jobs.cluster.kubernetes.pace import Pace, Timing


@given(st.lists(st.floats(0, 700), min_size=2, max_size=60), st.integers())
def test_two_lists_are_never_closer_than_thirty_seconds(wishes: list[float], seed: int) -> None:
    """`wishes`: how long after a list the next one is wanted."""
    pace, now, lists = Pace(jitter=random.Random(seed)), 1000.0, []
    for wish in wishes:
        now += wish
        now += pace.until_list(now)
        pace.listing(now)
        lists.append(now)
    assert all(later - earlier >= 29.999 for earlier, later in pairwise(lists))


def test_lists_that_follow_each_other_come_further_apart_up_to_a_bound() -> None:
    pace, now, gaps = Pace(), 1000.0, []
    pace.listing(now)
    for _list in range(6):
        gaps.append(pace.until_list(now))
        now += gaps[-1]
        pace.listing(now)
    assert 30 <= gaps[0] <= 36
    assert 60 <= gaps[1] <= 90
    assert all(120 <= gap <= 144 for gap in gaps[3:])


def test_a_healthy_minute_brings_them_close_again() -> None:
    pace, now = Pace(), 1000.0
    for _list in range(6):
        now += pace.until_list(now)
        pace.listing(now)
    now += pace.apart + 61
    assert pace.until_list(now) == 0
    pace.listing(now)
    assert pace.until_list(now) <= 36


def test_a_list_that_reached_no_server_does_not_count() -> None:
    pace = Pace()
    pace.listing(1000.0)
    pace.listing(1040.0)
    pace.not_asked()
    assert pace.until_list(1041.0) == 0
    pace.listing(1041.0)
    assert 59 <= pace.until_list(1041.0) <= 90


def test_the_first_list_waits_for_nobody() -> None:
    assert Pace().until_list(5.0) == 0


def test_pauses_grow_up_to_a_bound_and_shrink_after_success() -> None:
    pace = Pace()
    pauses = [pace.missed() for _miss in range(20)]
    assert pauses[0] <= 0.6
    assert 12 <= pauses[-1] <= 18
    pace.worked()
    assert pace.missed() <= 0.6


def test_a_relist_is_due_after_about_ten_minutes() -> None:
    pace = Pace()
    pace.listing(1000.0)
    assert not pace.relist_is_due(1530.0)
    assert pace.relist_is_due(1670.0)


def test_watches_of_many_pools_do_not_end_together() -> None:
    lengths = {Pace(jitter=random.Random(seed)).watch_seconds() for seed in range(50)}
    assert len(lengths) > 3
    assert all(18 <= seconds <= 22 for seconds in lengths)
    assert Timing().margin > 0
