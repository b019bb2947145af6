"""R8: where the cluster keeps the logs, a job's end is told at once, and its object stays until they are stored."""

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.cluster.base import PodPhase, PodReason
from jobs.models import Attempt, Job, Pod, ResourcePool
from jobs.reconcile import loop
from tests.jobs.conftest import submit
from tests.jobs.reconcile.worlds import World

pytestmark = pytest.mark.django_db

SUCCEEDED = (PodPhase.SUCCEEDED, PodReason.COMPLETED, 0)


@pytest.fixture
def world(monkeypatch):
    made = World()
    monkeypatch.setattr(loop, "cluster_for", lambda pool: made)
    return made


@pytest.fixture
def far(pool):
    ResourcePool.objects.update(kind=ResourcePool.KUBERNETES)
    pool.refresh_from_db()
    return pool


def go(pool) -> None:
    Job.objects.exclude(next_check_at=None).update(next_check_at=timezone.now(), lease_until=None)
    loop.reconcile(pool)


def test_the_object_goes_when_the_log_is_stored(world, job, far):
    loop.reconcile(far)
    world.end(f"{job.public_id}-1", *SUCCEEDED)
    go(far)
    assert Job.objects.get().status == "Succeeded"
    go(far)
    assert len(world.attempts) == 1
    Pod.objects.update(log_stored_at=timezone.now())
    go(far)
    assert world.attempts == {}
    assert Job.objects.get().next_check_at is None


def test_a_pool_may_keep_what_is_over_for_a_while(world, bob, queue, far):
    far.options = {"retentionSeconds": 3600}
    far.save()
    usual, short = submit(bob), submit(bob, retentionSeconds=0)
    loop.reconcile(far)
    for job in (usual, short):
        world.end(f"{job.public_id}-1", *SUCCEEDED)
    go(far)
    Pod.objects.update(log_stored_at=timezone.now())
    go(far)
    assert set(world.attempts) == {f"{usual.public_id}-1"}
    Job.objects.filter(pk=usual.pk).update(finished_at=timezone.now() - timedelta(hours=2))
    go(far)
    assert world.attempts == {}


def test_a_job_deleted_from_the_cluster_ends_by_what_was_recorded_of_its_pods(world, bob, queue, far):
    known, unknown = submit(bob), submit(bob)
    loop.reconcile(far)
    for job in (known, unknown):
        world.run(f"{job.public_id}-1")
    go(far)
    ended = timezone.now()
    Pod.objects.filter(job=known).update(phase="Failed", reason="Error", exit_code=7, finished_at=ended)
    world.attempts.clear()
    go(far)
    Attempt.objects.update(absent_since=timezone.now() - timedelta(seconds=10))
    go(far)
    known.refresh_from_db()
    unknown.refresh_from_db()
    assert (known.status_reason, known.status_params["exitCode"], known.finished_at) == ("CommandFailed", 7, ended)
    assert (unknown.status_reason, unknown.status_params["variant"]) == ("Lost", "gone")


def test_a_steady_job_is_looked_at_less_often_while_the_watch_is_fresh(world, job, far):
    far.watched_at = timezone.now()
    far.save()
    loop.reconcile(far)
    world.run(f"{job.public_id}-1")
    go(far)
    go(far)
    assert 90 < (Job.objects.get().next_check_at - timezone.now()).total_seconds() <= 150
    far.watched_at = timezone.now() - timedelta(minutes=5)
    far.save()
    go(far)
    assert (Job.objects.get().next_check_at - timezone.now()).total_seconds() <= 15
