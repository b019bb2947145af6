"""Which of the lines that look like errors explains a failure."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jobs.logs.errors.groups import TOGETHER_NS, Seen, of_all, of_replica
from jobs.logs.errors.rules import Rank

SECOND = 1_000_000_000


def seen(seconds: float, rank: Rank = Rank.CAUSE, *, replica: int = 0) -> Seen:
    start = round(seconds * 1000)
    return Seen(replica, start, start + 10, round(seconds * SECOND), "exception", rank)


def test_what_the_program_survived_does_not_count() -> None:
    assert of_replica([seen(0), seen(600), seen(601)]) == seen(600)


def test_a_cause_counts_more_than_what_came_of_it() -> None:
    assert of_replica([seen(1, Rank.CONSEQUENCE), seen(2), seen(3, Rank.MENTION)]) == seen(2)


def test_another_replica_s_timeout_is_not_the_reason() -> None:
    timeout, traceback = seen(1, Rank.CONSEQUENCE, replica=3), seen(5, replica=1)
    assert of_all([timeout, traceback]) == traceback


def test_of_two_causes_the_earlier_one_counts() -> None:
    assert of_all([seen(5, replica=0), seen(4, replica=7)]) == seen(4, replica=7)


def test_without_errors_there_is_none() -> None:
    assert of_replica([]) is None
    assert of_all([]) is None


@given(st.lists(st.tuples(st.integers(0, 100), st.sampled_from(Rank)), min_size=1))
def test_it_is_of_the_best_rank_and_followed_closely_by_the_last_of_it(raw: list[tuple[int, Rank]]) -> None:
    lines = [seen(seconds, rank) for seconds, rank in sorted(raw, key=lambda one: one[0])]
    found = of_replica(lines)
    assert found is not None
    best = [one for one in lines if one.rank == min(line.rank for line in lines)]
    assert found in best
    after = [one.time_ns for one in best if one.time_ns >= found.time_ns]
    assert all(later - earlier <= TOGETHER_NS for earlier, later in pairwise(after))
    earlier = [one.time_ns for one in best if one.time_ns < found.time_ns]
    assert not earlier or found.time_ns - earlier[-1] > TOGETHER_NS
