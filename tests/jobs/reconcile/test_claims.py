from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import Job
from jobs.reconcile import claims
from tests.jobs.conftest import submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def starting(bob, queue):
    jobs = [submit(bob) for _ in range(3)]
    Job.objects.update(status="Starting")
    return jobs


def test_a_claimed_job_is_not_claimed_again_until_the_lease_ends(starting, pool):
    now = timezone.now()
    assert len(claims.claim(pool.pk, now).jobs) == 3
    assert claims.claim(pool.pk, now).jobs == ()
    assert len(claims.claim(pool.pk, now + claims.LEASE + timedelta(seconds=1)).jobs) == 3


def test_a_released_job_is_due_when_it_was_said(starting, pool):
    now = timezone.now()
    claim = claims.claim(pool.pk, now)
    claims.release_all(claim, claim.jobs, next_check_at=now + timedelta(seconds=5), now=now)
    assert claims.claim(pool.pk, now).jobs == ()
    assert len(claims.claim(pool.pk, now + timedelta(seconds=5)).jobs) == 3


def test_a_hint_that_comes_while_a_job_is_claimed_is_not_lost(starting, pool):
    now = timezone.now()
    claim = claims.claim(pool.pk, now)
    Job.objects.filter(pk=starting[1].pk).hint(now)
    claims.release_all(claim, claim.jobs, next_check_at=None, now=now)
    assert [job.pk for job in claims.claim(pool.pk, now).jobs] == [starting[1].pk]


def test_who_was_paused_past_the_lease_releases_nothing(starting, pool):
    now = timezone.now()
    paused = claims.claim(pool.pk, now)
    current = claims.claim(pool.pk, now + claims.LEASE + timedelta(seconds=1))
    claims.release_all(paused, paused.jobs, next_check_at=None, now=now)
    claims.release(paused, paused.jobs[0], next_check_at=None, now=now, error="late")
    assert Job.objects.filter(lease_token=current.token).count() == 3
    assert not Job.objects.filter(failures__gt=0).exists()


def test_jobs_that_wait_for_a_place_are_not_claimed(bob, queue, pool):
    submit(bob)
    assert claims.claim(pool.pk, timezone.now()).jobs == ()
