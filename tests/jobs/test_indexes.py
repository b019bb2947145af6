"""What is asked again and again, by each pass over a pool and by pages that are open, finds its rows by an index: its
cost must not grow with the jobs that are over."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Project, User
from jobs import gauges
from jobs.admin import overview
from jobs.dashboard import pools
from jobs.models import Job, Queue, ResourcePool
from jobs.reconcile import admit, claims, losses, sweep, usage
from jobs.states import JobStatus
from tests.admin_site import make_job

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by its statistics")

# Those two hold only the jobs that are not over, and those that are due.
THROUGH_ALL = re.compile(r"SCAN jobs_job\b(?! USING (COVERING )?INDEX (job_active|job_due)\b)")
ASKED: dict[str, Callable[[ResourcePool], Any]] = {
    "admission": lambda pool: admit.considered(pool, timezone.now()),
    "what is in use": admit.in_use,
    "full queues": admit.full_queues,
    "claims": lambda pool: claims.claim(pool.pk, timezone.now()),
    "expected attempts": losses.expected_attempts,
    "pools with work": lambda _pool: sweep.pools_with_work(timezone.now()),
    "samples": lambda _pool: usage.sample(timezone.now()),
    "metrics": lambda _pool: list(gauges.families(timezone.now())),
    "pools page": lambda _pool: pools.build(Job.objects.filter(deleted_at=None), "1h", timezone.now()),
    "who waits longest": lambda pool: overview.oldest_waiting([pool]),
}


@pytest.mark.parametrize("name", ASKED)
def test_no_query_goes_through_all_jobs(
    name: str, project: Project, bob: User, queue: Queue, pool: ResourcePool
) -> None:
    for status in (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.PENDING):
        make_job(project, bob, queue, name=status.value, status=status.value)
    with CaptureQueriesContext(connection) as captured:
        ASKED[name](pool)
    selects = [one["sql"] for one in captured.captured_queries if one["sql"].startswith("SELECT")]
    assert selects
    for sql in selects:
        assert not [step for step in plan_of(sql) if THROUGH_ALL.match(step)], sql


def plan_of(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return [row[3] for row in cursor.fetchall()]
