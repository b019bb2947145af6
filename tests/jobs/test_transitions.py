from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from jobs import transitions
from jobs.models import Event, Job
from jobs.reconcile import admit
from jobs.states import JobStatus
from jobs.transitions import Move
from tests.jobs.conftest import submit

pytestmark = pytest.mark.django_db


# PostgreSQL locks jobs and counts in order first.
LOCKS = 2 * connection.features.has_select_for_update


def enter(job, **changes):
    return Move(**{"job_pk": job.pk, "version": 1, "new": JobStatus.QUEUED, "reason": "Waiting", **changes})


def statuses():
    return list(Job.objects.order_by("pk").values_list("status", flat=True))


def test_moves_that_are_alike_are_one_update(bob, queue, django_assert_num_queries):
    jobs = [submit(bob) for _ in range(20)]
    with django_assert_num_queries(2 + LOCKS):  # update, events
        made = transitions.apply_all([enter(job) for job in jobs], timezone.now())
    assert len(made) == 20
    assert set(statuses()) == {"Queued"}
    assert Event.objects.filter(reason="Waiting").count() == 20


def test_what_each_of_them_writes_may_differ(bob, queue, django_assert_num_queries):
    jobs = [submit(bob) for _ in range(3)]
    times = [timezone.now() - timedelta(seconds=n) for n in range(3)]
    moves = [
        enter(job, params={"n": at.isoformat()}, columns={"queued_at": at}) for job, at in zip(jobs, times, strict=True)
    ]
    with django_assert_num_queries(2 + LOCKS):
        transitions.apply_all(moves, timezone.now())
    assert list(Job.objects.order_by("pk").values_list("queued_at", flat=True)) == times


def test_one_that_comes_too_late_does_not_keep_the_others(bob, queue):
    jobs = [submit(bob) for _ in range(3)]
    Job.objects.filter(pk=jobs[1].pk).update(version=7)
    made = transitions.apply_all([enter(job) for job in jobs], timezone.now())
    assert [move.job_pk for move in made] == [jobs[0].pk, jobs[2].pk]
    assert statuses() == ["Queued", "Pending", "Queued"]
    assert not Event.objects.filter(job=jobs[1], reason="Waiting").exists()


def test_two_moves_of_one_job_follow_each_other(job):
    moves = [enter(job), enter(job, version=2, new=JobStatus.STARTING, reason="Starting")]
    assert transitions.apply_all(moves, timezone.now()) == moves
    assert Job.objects.get().version == 3


@pytest.mark.parametrize("status", ["Stopped", "Succeeded", "Failed"])
def test_a_final_job_is_not_moved(job, status):
    Job.objects.update(status=status)
    assert not transitions.apply(enter(job), timezone.now())
    assert statuses() == [status]


def test_a_move_the_table_forbids_is_refused(job):
    assert not transitions.apply(enter(job, new=JobStatus.RUNNING), timezone.now())


def test_a_job_that_moved_keeps_the_reason_of_its_move(job):
    transitions.apply(enter(job), timezone.now())
    transitions.explain_all([(job, "Running", {})])
    assert Job.objects.get().status_reason == "Waiting"


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_moves_from_several_sides_never_wait_for_each_other(bob, queue):
    """Creates, admissions and stops at once: each locks jobs, counts and, by its foreign key, the pool."""

    def create(_number):
        try:
            return submit(bob).pk
        finally:
            connection.close()

    def admit_all():
        try:
            return admit.admit(queue.pool, timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        created = [threads.submit(create, number) for number in range(60)]
        admitted = [threads.submit(admit_all) for _ in range(30)]
        assert len({one.result() for one in created}) == 60
        assert sum(one.result() for one in admitted) >= 0
