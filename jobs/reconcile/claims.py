"""Leases on jobs, so that one worker at a time reconciles a job.

Any number of workers, and the agent, run this at once. A claim is one UPDATE that writes a fresh token into due rows;
who reads its token back owns those rows until the lease ends. Every later write of the claim is guarded by id and
token. A hint that comes while a job is claimed is not lost: release() leaves the job due when its hint counter has
grown.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, F, Q, Value, When
from django.db.models.fields import DateTimeField

from jobs.models import Job
from jobs.states import Desired, JobStatus

LEASE = timedelta(seconds=15)
BATCH = 100


@dataclass(frozen=True, slots=True)
class Claim:
    token: str
    until: datetime
    jobs: tuple[Job, ...]


def claim(pool_id: int, now: datetime, *, limit: int = BATCH) -> Claim:
    """Up to `limit` due jobs, the longest due first. Jobs that wait for admission are not among them: nobody may
    reconcile what was never admitted, unless it is to stop."""
    token, until = secrets.token_hex(8), now + LEASE
    waits = Q(status__in=[JobStatus.PENDING.value, JobStatus.QUEUED.value], desired=Desired.RUN.value)
    due = Job.objects.filter(pool_id=pool_id).due(now).exclude(waits).order_by("next_check_at")
    keys = list(due.values_list("pk", flat=True)[:limit])
    if not keys:
        return Claim(token, until, ())
    Job.objects.filter(pk__in=keys).due(now).update(lease_token=token, lease_until=until)
    jobs = Job.objects.filter(pk__in=keys, lease_token=token).select_related("owner", "queue")
    return Claim(token, until, tuple(jobs))


def release(claim: Claim, job: Job, *, next_check_at: datetime | None, now: datetime, error: str = "") -> None:
    """Give the job back, due at `next_check_at`, or now if a hint came meanwhile. `error` counts a failed check."""
    Job.objects.filter(pk=job.pk, lease_token=claim.token).update(
        lease_token="",
        lease_until=None,
        failures=F("failures") + 1 if error else Value(0),
        last_error=error,
        next_check_at=Case(
            When(hints=job.hints, then=Value(next_check_at, DateTimeField())), default=Value(now, DateTimeField())
        ),
    )


def release_all(claim: Claim, jobs: Sequence[Job], *, next_check_at: datetime | None, now: datetime) -> None:
    """release() for jobs that share a next check, in one UPDATE."""
    unhinted = Q()
    for job in jobs:
        unhinted |= Q(pk=job.pk, hints=job.hints)
    Job.objects.filter(pk__in=[job.pk for job in jobs], lease_token=claim.token).update(
        lease_token="",
        lease_until=None,
        failures=0,
        last_error="",
        next_check_at=Case(
            When(unhinted, then=Value(next_check_at, DateTimeField())), default=Value(now, DateTimeField())
        ),
    )
