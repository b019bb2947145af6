"""Hints that wait: the last of each object counts, none is forgotten."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from jobs.agent.gathered import Gathered
from jobs.cluster.base import Hint, Notice, PodPhase, PodRef, PodSnapshot
from tests.jobs.agent.conftest import START

PODS = st.builds(
    lambda replica, phase, gone: Hint("job", pod=PodSnapshot(PodRef("job", 1, replica, "u"), phase), gone=gone),
    st.integers(0, 2),
    st.sampled_from(PodPhase),
    st.booleans(),
)
NOTICES = st.builds(
    lambda uid, count: Hint("job", notice=Notice(uid, "BackOff", "text", START, START, count)),
    st.sampled_from("ab"),
    st.integers(1, 3),
)
HINTS = st.one_of(st.just(Hint("plain")), PODS, NOTICES)


def test_the_last_state_of_a_pod_counts() -> None:
    gathered = Gathered()
    for phase in (PodPhase.PENDING, PodPhase.RUNNING):
        gathered.add(Hint("job", pod=PodSnapshot(PodRef("job", 1, 0, "u"), phase)))
    assert [hint.pod.phase for hint in gathered.pods.values() if hint.pod] == [PodPhase.RUNNING]


def test_a_pod_that_is_gone_stays_gone() -> None:
    gathered, there = Gathered(), Hint("job", pod=PodSnapshot(PodRef("job", 1, 0, "u"), PodPhase.RUNNING))
    gathered.add(replace(there, gone=True))
    gathered.add(there)
    assert [hint.gone for hint in gathered.pods.values()] == [True]


@given(st.lists(HINTS), st.lists(HINTS))
def test_what_could_not_be_written_comes_back_as_if_it_had_never_been_taken(
    first: list[Hint], later: list[Hint]
) -> None:
    interrupted, straight = Gathered(), Gathered()
    for hint in first:
        interrupted.add(hint)
        straight.add(hint)
    taken = interrupted.take()
    assert not interrupted
    for hint in later:
        interrupted.add(hint)
        straight.add(hint)
    interrupted.put_back(taken)
    assert interrupted == straight
