from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.cluster.base import ObjectRef, PodPhase, PodReason
from jobs.cluster.errors import Unavailable
from jobs.models import Attempt, Job, Pod, ResourcePool
from jobs.reconcile import loop, orphans
from tests.jobs.conftest import submit
from tests.jobs.reconcile.worlds import World

pytestmark = pytest.mark.django_db


class Slow(World):
    """Ends attempts, and does not let them be forgotten while `ending`."""

    ending = True

    def forget_attempt(self, ref: ObjectRef) -> None:
        if self.ending:
            raise Unavailable("still ends")
        super().forget_attempt(ref)


@pytest.fixture
def world(monkeypatch):
    made = Slow()
    monkeypatch.setattr(loop, "cluster_for", lambda pool: made)
    monkeypatch.setattr(orphans, "cluster_for", lambda pool: made)
    return made


def make_due() -> None:
    Job.objects.exclude(next_check_at=None).update(next_check_at=timezone.now(), lease_until=None)


def finish(*jobs, minutes):
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(
        status="Stopped", finished_at=timezone.now() - timedelta(minutes=minutes), next_check_at=None
    )


def test_what_runs_after_its_job_has_ended_is_taken_down_however_long_that_takes(world, bob, queue, pool):
    jobs = [submit(bob), submit(bob)]
    loop.reconcile(pool)
    finish(*jobs, minutes=5)
    assert orphans.remove_orphans(pool) == 2
    assert all(pod.phase is PodPhase.FAILED for pods in world.attempts.values() for pod in pods)
    world.ending = False
    assert orphans.remove_orphans(pool) == 2
    assert world.attempts == {}


def test_a_job_that_runs_or_has_just_ended_is_left_alone(world, bob, queue, pool):
    running, ended = submit(bob), submit(bob)
    loop.reconcile(pool)
    finish(ended, minutes=0)
    assert orphans.remove_orphans(pool) == 0
    assert len(world.attempts) == 2
    assert running.pk


def test_an_attempt_of_a_job_nobody_knows_is_left_alone(world, pool, db):
    world.attempts["job-0000000000000000-1"] = []
    assert orphans.remove_orphans(pool) == 0
    assert "job-0000000000000000-1" in world.attempts


@pytest.fixture
def far(pool):
    """The pool's logs are on the cluster until the platform fetched them."""
    ResourcePool.objects.update(kind=ResourcePool.KUBERNETES)
    pool.refresh_from_db()
    return pool


def over(job, far, world, *, stored: bool):
    """The job ended a while ago, and its pods' ends are recorded."""
    world.end(f"{job.public_id}-1", PodPhase.SUCCEEDED, PodReason.COMPLETED, 0)
    loop.reconcile(far)
    make_due()
    loop.reconcile(far)
    finish(job, minutes=5)
    Pod.objects.update(log_stored_at=timezone.now() if stored else None)


def test_an_attempt_whose_logs_are_not_stored_is_kept(world, job, far):
    world.ending = False
    loop.reconcile(far)
    over(job, far, world, stored=False)
    assert orphans.remove_orphans(far) == 0
    assert len(world.attempts) == 1
    Pod.objects.update(log_stored_at=timezone.now())
    assert orphans.remove_orphans(far) == 1
    assert world.attempts == {}


def test_it_is_kept_as_long_as_asked_for(world, bob, queue, far):
    world.ending = False
    job = submit(bob, retentionSeconds=3600)
    loop.reconcile(far)
    over(job, far, world, stored=True)
    assert orphans.remove_orphans(far) == 0
    Attempt.objects.update(finished_at=timezone.now() - timedelta(hours=2))
    assert orphans.remove_orphans(far) == 1


def test_a_deleted_jobs_attempt_is_not_kept(world, job, far):
    world.ending = False
    loop.reconcile(far)
    over(job, far, world, stored=False)
    Job.objects.update(desired="delete")
    assert orphans.remove_orphans(far) == 1
    assert world.attempts == {}


def test_one_that_runs_though_its_job_is_over_is_ended_and_kept_for_its_log(world, job, far):
    world.ending = False
    loop.reconcile(far)
    world.run(f"{job.public_id}-1")
    Pod.objects.update(uid="uid0")
    finish(job, minutes=5)
    assert orphans.remove_orphans(far) == 1
    assert all(pod.is_over for pods in world.attempts.values() for pod in pods)
    assert orphans.remove_orphans(far) == 0
    Pod.objects.update(log_stored_at=timezone.now())
    assert orphans.remove_orphans(far) == 1
    assert world.attempts == {}


def test_the_attempt_before_a_retry_goes_when_its_logs_are_stored(world, bob, queue, far):
    world.ending = False
    job = submit(bob, retryPolicy={"maxRetries": 1})
    loop.reconcile(far)
    world.end(f"{job.public_id}-1", PodPhase.FAILED, PodReason.ERROR, 1)
    for _turn in range(3):
        make_due()
        loop.reconcile(far)
    assert set(world.attempts) == {f"{job.public_id}-1", f"{job.public_id}-2"}
    assert orphans.remove_orphans(far) == 0
    Pod.objects.filter(attempt__number=1).update(log_stored_at=timezone.now())
    assert orphans.remove_orphans(far) == 1
    assert set(world.attempts) == {f"{job.public_id}-2"}
