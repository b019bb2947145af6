from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.models import Job
from jobs.reconcile import sweep
from tests.jobs.conftest import submit

pytestmark = pytest.mark.django_db


def finish(*jobs, minutes):
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(
        status="Stopped", finished_at=timezone.now() - timedelta(minutes=minutes), next_check_at=None
    )


def test_rows_of_deleted_jobs_go_when_their_time_has_come(bob, queue, settings):
    settings.TOMBSTONE_SECONDS = 60
    old, new, running = submit(bob), submit(bob), submit(bob)
    finish(old, new, minutes=5)
    now = timezone.now()
    Job.objects.filter(pk__in=[old.pk, running.pk]).update(deleted_at=now - timedelta(minutes=2))
    Job.objects.filter(pk=new.pk).update(deleted_at=now)
    sweep.purge_tombstones()
    assert set(Job.objects.all()) == {new, running}
