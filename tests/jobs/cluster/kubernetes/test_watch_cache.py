"""What is news of an object, and when it is gone."""

from hypothesis import given
from hypothesis import strategies as st

from jobs.cluster.base import Hint
from jobs.cluster.kubernetes.cache import Cache, Seen

STATES = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2))


def seen(key: str, kept: int, *, steady: bool = False) -> Seen:
    return Seen(key, kept, Hint(f"{key}={kept}"), steady)


def cache() -> Cache:
    return Cache(lambda kept: Hint(f"gone {kept}"))


def listing(of: Cache, *items: Seen) -> list[str]:
    of.begin_list()
    told = [hint.job_id for item in items if (hint := of.of_list(item))]
    return told + [hint.job_id for hint in of.end_list()]


def test_the_same_state_again_is_no_news() -> None:
    known = cache()
    assert known.put(seen("a", 1)) == Hint("a=1")
    assert known.put(seen("a", 1)) is None
    assert known.put(seen("a", 2)) == Hint("a=2")


def test_a_relist_tells_what_changed_appeared_and_vanished() -> None:
    known = cache()
    listing(known, seen("a", 1), seen("b", 1), seen("c", 1))
    assert listing(known, seen("a", 1), seen("b", 2), seen("d", 1)) == ["b=2", "d=1", "gone 1"]


def test_a_list_that_was_not_complete_makes_nothing_gone() -> None:
    known = cache()
    listing(known, seen("a", 1), seen("b", 1))
    known.begin_list()
    known.of_list(seen("a", 1))
    assert listing(known, seen("a", 1), seen("b", 1)) == []


def test_steady_things_are_told_only_when_they_come_later() -> None:
    known = cache()
    assert listing(known, seen("a", 1, steady=True), seen("b", 1)) == ["b=1"]
    assert listing(known, seen("a", 1, steady=True), seen("b", 1), seen("c", 1, steady=True)) == ["c=1"]


def test_what_was_deleted_is_not_gone_a_second_time() -> None:
    known = cache()
    listing(known, seen("a", 1))
    known.remove("a")
    assert listing(known) == []


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2)),
)
def test_a_list_tells_exactly_the_difference(before: dict[str, int], after: dict[str, int]) -> None:
    known = cache()
    listing(known, *(seen(key, value) for key, value in before.items()))
    told = listing(known, *(seen(key, value) for key, value in after.items()))
    changed = [f"{key}={value}" for key, value in after.items() if before.get(key) != value]
    gone = [f"gone {value}" for key, value in before.items() if key not in after]
    assert sorted(told) == sorted(changed + gone)
    assert known.kept == after
