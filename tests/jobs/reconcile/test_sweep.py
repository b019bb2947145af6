from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.cluster.base import ObjectRef, PodPhase
from jobs.cluster.errors import Unavailable
from jobs.models import Job
from jobs.reconcile import loop, sweep
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
    monkeypatch.setattr(sweep, "cluster_for", lambda pool: made)
    return made


def finish(*jobs, minutes):
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(
        status="Stopped", finished_at=timezone.now() - timedelta(minutes=minutes), next_check_at=None
    )


def test_what_runs_after_its_job_has_ended_is_taken_down_however_long_that_takes(world, bob, queue, pool):
    jobs = [submit(bob), submit(bob)]
    loop.reconcile(pool)
    finish(*jobs, minutes=5)
    assert sweep.remove_orphans(pool) == 2
    assert all(pod.phase is PodPhase.FAILED for pods in world.attempts.values() for pod in pods)
    world.ending = False
    assert sweep.remove_orphans(pool) == 2
    assert world.attempts == {}


def test_a_job_that_runs_or_has_just_ended_is_left_alone(world, bob, queue, pool):
    running, ended = submit(bob), submit(bob)
    loop.reconcile(pool)
    finish(ended, minutes=0)
    assert sweep.remove_orphans(pool) == 0
    assert len(world.attempts) == 2
    assert running.pk


def test_an_attempt_of_a_job_nobody_knows_is_left_alone(world, pool, db):
    world.attempts["job-0000000000000000-1"] = []
    assert sweep.remove_orphans(pool) == 0
    assert "job-0000000000000000-1" in world.attempts


def test_rows_of_deleted_jobs_go_when_their_time_has_come(bob, queue, settings):
    settings.TOMBSTONE_SECONDS = 60
    old, new, running = submit(bob), submit(bob), submit(bob)
    finish(old, new, minutes=5)
    now = timezone.now()
    Job.objects.filter(pk__in=[old.pk, running.pk]).update(deleted_at=now - timedelta(minutes=2))
    Job.objects.filter(pk=new.pk).update(deleted_at=now)
    sweep.purge_tombstones()
    assert set(Job.objects.all()) == {new, running}
