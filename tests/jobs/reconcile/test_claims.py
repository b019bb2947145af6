from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import Job
from jobs.reconcile import claims
from jobs.reconcile.claims import Release
from tests.jobs.conftest import submit

pytestmark = pytest.mark.django_db


def give_back(claim, now, *, due=None, **changes):
    claims.release(claim, [Release(job, due, **changes) for job in claim.jobs], now)


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
    give_back(claim, now, due=now + timedelta(seconds=5))
    assert claims.claim(pool.pk, now).jobs == ()
    assert len(claims.claim(pool.pk, now + timedelta(seconds=5)).jobs) == 3


def test_a_hint_that_comes_while_a_job_is_claimed_is_not_lost(starting, pool):
    now = timezone.now()
    claim = claims.claim(pool.pk, now)
    Job.objects.filter(pk=starting[1].pk).hint(now)
    give_back(claim, now)
    assert [job.pk for job in claims.claim(pool.pk, now).jobs] == [starting[1].pk]


def test_who_was_paused_past_the_lease_releases_nothing(starting, pool):
    now = timezone.now()
    paused = claims.claim(pool.pk, now)
    current = claims.claim(pool.pk, now + claims.LEASE + timedelta(seconds=1))
    give_back(paused, now, error="late")
    assert claims.still_held(paused, [job.pk for job in starting]) == set()
    assert claims.still_held(current, [job.pk for job in starting]) == {job.pk for job in starting}
    assert Job.objects.filter(lease_token=current.token).count() == 3
    assert not Job.objects.filter(failures__gt=0).exists()


def test_a_failed_check_is_counted_and_a_good_one_ends_the_count(starting, pool):
    now = timezone.now()
    for failures, error in [(1, "bad"), (2, "worse"), (0, "")]:
        give_back(claims.claim(pool.pk, now), now, due=now, error=error)
        assert set(Job.objects.values_list("failures", "last_error")) == {(failures, error)}


def test_jobs_are_given_back_in_one_statement(starting, pool, django_assert_num_queries):
    now = timezone.now()
    claim = claims.claim(pool.pk, now)
    with django_assert_num_queries(1):
        give_back(claim, now, due=now + timedelta(seconds=5), seen=now)
    assert set(Job.objects.values_list("observed_at", "lease_token")) == {(now, "")}


def test_jobs_that_wait_for_a_place_are_not_claimed(bob, queue, pool):
    submit(bob)
    assert claims.claim(pool.pk, timezone.now()).jobs == ()
