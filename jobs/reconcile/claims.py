"""Leases on jobs, so that one worker at a time reconciles a job.

Any number of workers, and the agent, run this at once. A claim is one UPDATE that writes a fresh token into due rows;
who reads its token back owns those rows until the lease ends, and longer while nobody else comes for them. Every later
write of the claim is guarded by id and token. A hint that comes while a job is claimed is not lost: release() leaves
the job due when its hint counter has grown.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from jobs.models import Job
from jobs.states import Desired, JobStatus
from jobs_platform.updates import update_each

LEASE = timedelta(seconds=15)
BATCH = 500
UNREAD = ("name", "labels", "priority", "idempotency_key", "request_hash", "created_at", "queued_at", "deleted_at")


@dataclass(frozen=True, slots=True)
class Claim:
    token: str
    until: datetime
    jobs: tuple[Job, ...]


def claim(pool_id: int, now: datetime) -> Claim:
    """Up to BATCH due jobs, the longest due first. Jobs that wait for admission are not among them: nobody may
    reconcile what was never admitted, unless it is to stop."""
    token, until = secrets.token_hex(8), now + LEASE
    waits = Q(status__in=[JobStatus.PENDING.value, JobStatus.QUEUED.value], desired=Desired.RUN.value)
    due = Job.objects.filter(pool_id=pool_id).due(now).exclude(waits).order_by("next_check_at")
    keys = list(due.values_list("pk", flat=True)[:BATCH])
    if not keys:
        return Claim(token, until, ())
    Job.objects.filter(pk__in=keys).due(now).update(lease_token=token, lease_until=until)
    jobs = Job.objects.filter(pk__in=keys, lease_token=token).defer(*UNREAD)
    return Claim(token, until, tuple(jobs))


def still_held(claim: Claim, keys: Iterable[int]) -> set[int]:
    """Which of these jobs nobody else has claimed since; called inside the transaction that writes about them, which
    keeps them so until it ends."""
    held = Job.objects.select_for_update(no_key=True).filter(pk__in=list(keys), lease_token=claim.token).order_by("pk")
    return set(held.values_list("pk", flat=True))


@dataclass(frozen=True, slots=True)
class Release:
    """`due`: when to look at the job next; None is never. `seen`: when the cluster last told of it, if it did now.
    `error` counts a failed check."""

    job: Job
    due: datetime | None
    seen: datetime | None = None
    error: str = ""


def release(claim: Claim, releases: Sequence[Release], now: datetime) -> None:
    """Gives the jobs back: due as said, or now if a hint came meanwhile. One UPDATE, and another for the hinted."""
    rows = [
        (
            one.job.pk,
            one.job.hints,
            one.due,
            one.seen or one.job.observed_at,
            one.job.failures + 1 if one.error else 0,
            one.error,
        )
        for one in sorted(releases, key=lambda one: one.job.pk)
    ]
    done = update_each(
        Job,
        rows,
        match=("id", "hints"),
        change=("next_check_at", "observed_at", "failures", "last_error"),
        also="lease_token = '', lease_until = NULL",
        where="t.lease_token = %s",
        parameters=[claim.token],
    )
    if hinted := [row[0] for row in rows if row[0] not in done]:
        Job.objects.filter(pk__in=hinted, lease_token=claim.token).update(
            lease_token="", lease_until=None, next_check_at=now
        )
