import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs import services
from jobs.cluster.base import PodPhase, PodReason
from jobs.cluster.errors import Invalid, Unavailable
from jobs.models import Attempt, Event, Job, Pod, Queue
from jobs.reconcile import admit, claims, loop
from jobs.services import Origin
from tests.jobs.conftest import submit
from tests.jobs.reconcile.worlds import World

pytestmark = pytest.mark.django_db

SUCCEEDED = (PodPhase.SUCCEEDED, PodReason.COMPLETED, 0)
FAILED = (PodPhase.FAILED, PodReason.ERROR, 3)


@pytest.fixture
def world(monkeypatch):
    made = World()
    monkeypatch.setattr(loop, "cluster_for", lambda pool: made)
    return made


def make_due() -> None:
    Job.objects.exclude(next_check_at=None).update(next_check_at=timezone.now(), lease_until=None)


def go(pool) -> None:
    """As the sweep would after a while."""
    make_due()
    loop.reconcile(pool)


def status(job: Job) -> str:
    return Job.objects.get(pk=job.pk).status


def reasons(job: Job) -> list[str]:
    return list(Event.objects.filter(job=job).order_by("id").values_list("reason", flat=True))


def test_a_job_goes_its_way_from_submitted_to_succeeded(world, job, pool):
    loop.reconcile(pool)
    assert status(job) == "Starting"
    name = f"{job.public_id}-1"
    world.run(name)
    go(pool)
    assert status(job) == "Running"
    assert Pod.objects.get(job=job).phase == "Running"
    world.end(name, *SUCCEEDED)
    go(pool)
    done = Job.objects.get(pk=job.pk)
    assert done.status == "Succeeded"
    assert done.started_at is not None
    assert done.finished_at is not None
    assert done.next_check_at is None
    assert reasons(job) == ["Submitted", "Queued", "Scheduled", "Running", "Started", "Succeeded", "PodSucceeded"]
    assert world.attempts == {}, "what is recorded is forgotten on the cluster"


def test_a_failure_says_which_pod_and_which_code(world, job, pool):
    loop.reconcile(pool)
    world.end(f"{job.public_id}-1", *FAILED)
    go(pool)
    done = Job.objects.get(pk=job.pk)
    assert (done.status, done.status_reason) == ("Failed", "CommandFailed")
    assert done.status_params["exitCode"] == 3
    assert Pod.objects.get(job=job).exit_code == 3


def test_a_retry_is_a_new_attempt_and_the_old_pods_stay(world, bob, queue, pool):
    job = submit(bob, retryPolicy={"maxRetries": 1})
    loop.reconcile(pool)
    world.end(f"{job.public_id}-1", *FAILED)
    go(pool)
    go(pool)
    assert world.created == [f"{job.public_id}-1", f"{job.public_id}-2"]
    world.end(f"{job.public_id}-2", *SUCCEEDED)
    go(pool)
    assert status(job) == "Succeeded"
    assert list(Attempt.objects.order_by("number").values_list("end_reason", flat=True)) == [
        "CommandFailed",
        "Completed",
    ]
    assert Pod.objects.filter(job=job).count() == 2


def test_a_stop_before_admission_needs_no_cluster(world, bob, queue, pool):
    world.refuse = Unavailable("down")
    job = submit(bob)
    services.stop(actor=bob, public_id=job.public_id, origin=Origin())
    go(pool)
    assert status(job) == "Stopped"
    assert world.created == []


def test_a_running_job_is_stopped_only_when_it_is_gone(world, bob, job, pool):
    loop.reconcile(pool)
    world.run(f"{job.public_id}-1")
    go(pool)
    services.stop(actor=bob, public_id=job.public_id, origin=Origin())
    world.blind = True
    go(pool)
    assert status(job) == "Stopping"
    world.blind = False
    go(pool)
    go(pool)
    assert status(job) == "Stopped"


def test_a_refused_attempt_fails_the_job_with_the_clusters_words(world, job, pool):
    world.refuse = Invalid("no such thing as a pvc here")
    loop.reconcile(pool)
    done = Job.objects.get(pk=job.pk)
    assert (done.status, done.status_reason) == ("Failed", "Rejected")
    assert done.status_params == {"detail": "no such thing as a pvc here"}


def test_an_unavailable_pool_is_waited_for(world, job, pool):
    world.refuse = Unavailable("connection refused")
    loop.reconcile(pool)
    waiting = Job.objects.get(pk=job.pk)
    assert (waiting.status, waiting.status_reason) == ("Starting", "PoolUnavailable")
    world.refuse = None
    go(pool)
    assert world.created == [f"{job.public_id}-1"]


def test_one_poison_job_never_stops_the_rest(world, bob, queue, pool):
    jobs = [submit(bob) for _ in range(5)]
    world.crash = {jobs[2].public_id}
    loop.reconcile(pool)
    assert len(world.created) == 4
    poisoned = Job.objects.get(pk=jobs[2].pk)
    assert poisoned.failures == 1
    assert "ZeroDivisionError" in poisoned.last_error
    assert poisoned.next_check_at > timezone.now()


def test_lost_needs_proof_and_leaves_the_pods_unknown(world, job, pool, monkeypatch):
    loop.reconcile(pool)
    world.run(f"{job.public_id}-1")
    go(pool)
    world.attempts.clear()
    go(pool)
    assert status(job) == "Running"
    Attempt.objects.update(absent_since=timezone.now() - timedelta(seconds=10))
    go(pool)
    lost = Job.objects.get(pk=job.pk)
    assert (lost.status, lost.status_reason) == ("Failed", "Lost")
    assert Pod.objects.get(job=job).phase == "Unknown"


def test_many_losses_at_once_are_not_believed(world, bob, queue, pool):
    jobs = [submit(bob) for _ in range(12)]
    loop.reconcile(pool)
    world.attempts.clear()
    Attempt.objects.update(absent_since=timezone.now() - timedelta(seconds=10))
    go(pool)
    assert {status(job) for job in jobs} == {"Starting"}


def test_a_full_queue_admits_the_next_when_one_ends(world, bob, queue, pool):
    Queue.objects.update(max_running_jobs=1)
    first, second = submit(bob), submit(bob)
    loop.reconcile(pool)
    waiting = Job.objects.get(pk=second.pk)
    assert (waiting.status, waiting.status_params["variant"]) == ("Queued", "queue")
    world.end(f"{first.public_id}-1", *SUCCEEDED)
    go(pool)
    assert status(second) == "Starting"


def test_a_long_line_before_a_full_queue_keeps_no_other_queue_waiting(world, bob, queue, pool, monkeypatch):
    monkeypatch.setattr(admit, "CONSIDERED", 3)
    Queue.objects.update(max_running_jobs=1)
    Queue.objects.create(pool=pool, name="other")
    line = [submit(bob) for _ in range(6)]
    go(pool)
    last = submit(bob, queue="other")
    go(pool)
    assert [status(job) for job in line] == ["Starting", *["Queued"] * 5]
    assert status(last) == "Starting"


def test_high_priority_goes_first(world, bob, queue, pool):
    Queue.objects.update(max_running_jobs=1)
    low, high = submit(bob, priority="low"), submit(bob, priority="high")
    loop.reconcile(pool)
    assert (status(low), status(high)) == ("Queued", "Starting")


def test_a_deleted_running_job_is_taken_down(world, bob, job, pool):
    loop.reconcile(pool)
    world.run(f"{job.public_id}-1")
    go(pool)
    services.delete(actor=bob, public_id=job.public_id, origin=Origin())
    go(pool)
    go(pool)
    gone = Job.objects.get(pk=job.pk)
    assert (gone.status, gone.next_check_at) == ("Stopped", None)
    assert world.attempts == {}


def test_a_worker_that_was_paused_past_its_lease_launches_nothing(world, job, pool, monkeypatch):
    monkeypatch.setattr(claims, "LEASE", timedelta(seconds=1))
    loop.run_pass(pool)
    assert world.created == []


def test_a_paused_worker_that_wakes_writes_nothing(world, job, pool, monkeypatch):
    """R11: it was stopped between its look at the cluster and its writes, and another one took the job over."""
    loop.reconcile(pool)
    world.run(f"{job.public_id}-1")
    make_due()
    look = world.observe

    def paused(refs):
        seen = look(refs)
        Job.objects.update(lease_token="somebody else")
        return seen

    monkeypatch.setattr(world, "observe", paused)
    loop.run_pass(pool)
    found = Job.objects.get()
    assert (found.status, found.lease_token, found.observed_at) == ("Starting", "somebody else", None)
    assert Pod.objects.get().phase == "Pending"


def test_calls_to_a_cluster_far_away_go_side_by_side(world, bob, queue, pool):
    world.concurrency = 4
    together = threading.Barrier(4, timeout=10)
    create = world.create_attempt

    def meet(spec):
        together.wait()
        return create(spec)

    world.create_attempt = meet
    jobs = [submit(bob) for _ in range(8)]
    loop.reconcile(pool)
    assert len(world.created) == 8
    assert {status(job) for job in jobs} == {"Starting"}


def test_a_text_the_database_does_not_take_keeps_only_its_own_job(world, bob, queue, pool):
    """PostgreSQL takes no NUL; SQLite takes this one."""
    jobs = [submit(bob) for _ in range(5)]
    loop.reconcile(pool)
    for job in jobs:
        world.run(f"{job.public_id}-1")
    bad = f"{jobs[2].public_id}-1"
    world.attempts[bad] = [replace(pod, message="a\0b") for pod in world.attempts[bad]]
    go(pool)
    assert [status(job) for job in jobs if job is not jobs[2]] == ["Running"] * 4
    assert Job.objects.get(pk=jobs[2].pk).lease_token == ""


def test_a_pass_over_many_jobs_costs_few_queries(world, bob, queue, pool, django_assert_max_num_queries):
    for _ in range(50):
        submit(bob)
    loop.reconcile(pool)
    for name in world.attempts:
        world.run(name)
    make_due()
    with django_assert_max_num_queries(20):
        loop.reconcile(pool)
    make_due()
    with django_assert_max_num_queries(10):
        loop.reconcile(pool)
