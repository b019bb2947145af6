"""Events of the cluster in the registry: once each, clean, bounded."""

import unicodedata
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.agent import notices
from jobs.cluster.base import Notice
from jobs.models import Event, Job, ResourcePool
from tests.jobs.agent.conftest import START

DIRTY = st.text(st.characters(categories=None), max_size=40).map(lambda text: text + "\x00\ud800\x1b[31m")


def notice(**changes: Any) -> Notice:
    values = {"object_uid": "u", "reason": "BackOff", "message": "Back-off", "at": START, "first_at": START}
    return Notice(**{**values, "warning": True, "attempt": 1, "replica": 0, "source": "kubelet", **changes})


def store(pool: ResourcePool, job: Job, *found: Notice) -> set[str]:
    return notices.record(pool, [(job.public_id, one) for one in found])


def stored(job: Job) -> list[Event]:
    return list(Event.objects.filter(job=job).exclude(source=Event.PLATFORM))


def test_an_event_is_stored_with_the_platforms_name_of_the_pod(pool: ResourcePool, running: Job) -> None:
    assert store(pool, running, notice()) == {running.public_id}
    (event,) = stored(running)
    assert (event.type, event.reason, event.message, event.source) == ("Warning", "BackOff", "Back-off", "kubelet")
    assert (event.pod_name, event.attempt, event.count) == (f"{running.public_id}-1-0", 1, 1)


def test_an_event_of_the_attempt_names_no_pod(pool: ResourcePool, running: Job) -> None:
    store(pool, running, notice(replica=None))
    assert stored(running)[0].pod_name == ""


def test_repeats_are_counted_with_the_highest_count_and_the_last_time(pool: ResourcePool, running: Job) -> None:
    later = START + timedelta(minutes=5)
    store(pool, running, notice(count=4, at=later), notice(count=2))
    store(pool, running, notice(count=3, at=START + timedelta(minutes=1)))
    (event,) = stored(running)
    assert (event.count, event.first_at, event.last_at) == (4, START, later)
    assert store(pool, running, notice(count=9, at=later)) == set(), "only the first of its kind is worth a look"
    assert stored(running)[0].count == 9


def test_another_object_with_the_same_words_is_another_event(pool: ResourcePool, running: Job) -> None:
    store(pool, running, notice(), notice(object_uid="other", replica=1))
    assert len(stored(running)) == 2


def test_what_is_stored_already_is_not_written_again(
    pool: ResourcePool, running: Job, django_assert_num_queries: Callable[[int], Any]
) -> None:
    many = [notice(object_uid=f"u{number}") for number in range(300)]
    store(pool, running, *many)
    with django_assert_num_queries(2):  # the jobs, and what is known
        assert store(pool, running, *many) == set()


def test_a_batch_is_few_statements(
    pool: ResourcePool, running: Job, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    with django_assert_max_num_queries(12):
        store(pool, running, *(notice(object_uid=f"u{number}") for number in range(300)))


def test_normal_events_are_stored_and_call_for_no_look(pool: ResourcePool, running: Job) -> None:
    assert store(pool, running, notice(warning=False)) == set()
    assert stored(running)[0].type == "Normal"


@pytest.mark.parametrize("strange", [{"attempt": 2}, {"replica": 2}])
def test_a_name_that_the_platform_never_gave_is_somebody_elses(
    pool: ResourcePool, running: Job, strange: dict[str, int]
) -> None:
    store(pool, running, notice(**strange))
    assert stored(running) == []


def test_an_event_of_an_unknown_job_is_passed_over(pool: ResourcePool, running: Job) -> None:
    assert notices.record(pool, [("job-0000000000000000", notice()), (running.public_id, notice())])
    assert len(stored(running)) == 1


def test_a_job_of_another_pool_is_not_touched(pool: ResourcePool, running: Job) -> None:
    other = ResourcePool.objects.create(name="other", kind=ResourcePool.KUBERNETES)
    store(other, running, notice())
    assert stored(running) == []


def test_a_job_keeps_a_bounded_number_of_them_the_last_ones(
    pool: ResourcePool, running: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "MOST", 5)
    before = Event.objects.filter(job=running, source=Event.PLATFORM).count()
    for number in range(12):
        store(pool, running, notice(message=f"try {number}", at=START + timedelta(seconds=number)))
    assert sorted(event.message for event in stored(running)) == sorted(f"try {number}" for number in range(7, 12))
    assert Event.objects.filter(job=running, source=Event.PLATFORM).count() == before


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(DIRTY, DIRTY, DIRTY, st.integers(-5, 2**40))
def test_any_text_can_be_stored_and_shown(
    pool: ResourcePool, running: Job, reason: str, message: str, source: str, count: int
) -> None:
    Event.objects.all().delete()
    store(pool, running, notice(reason=reason * 3, message=message * 200, source=source * 3, count=count))
    (event,) = stored(running)
    for text in (event.reason, event.message, event.source):
        text.encode()
        assert not [sign for sign in text if unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\t\n"]
    assert len(event.reason) <= 64
    assert len(event.source) <= 64
    assert len(event.message) <= notices.LONGEST_MESSAGE
    assert 1 <= event.count < 2**31
    store(pool, running, notice(reason=reason * 3, message=message * 200, source=source * 3, count=count))
    assert len(stored(running)) == 1
