"""Which logs of a job are asked for, and whether they will still grow."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs.api.job_log_query import JobLogRequest
from jobs.api.log_target import LATE, POD_COLUMNS, is_awaited, require_fetched
from jobs.exceptions import ValidationFailed
from jobs.logs.merged.spans import Part
from jobs.logs.store import LogKey
from jobs.models import Job, Pod
from jobs.services import find_job
from jobs.states import JobStatus


@dataclass(frozen=True, slots=True)
class JobTarget:
    """`attempt`: the only one, or the first one where every one from there on is asked for."""

    job_pk: int
    job_id: str
    attempt: int
    every_attempt: bool
    replicas: tuple[int, ...]

    def keys(self, attempt: int) -> list[LogKey]:
        return [LogKey(self.job_id, attempt, replica) for replica in self.replicas]


@dataclass(frozen=True, slots=True)
class AttemptState:
    status: str  # the job's
    latest: int  # the number of the job's latest attempt
    ended: bool  # no pod of this attempt will write anything any more
    settled: bool  # the job's status takes the attempt's end into account


def find_job_target(*, actor: User, job_id: str, wanted: JobLogRequest) -> JobTarget:
    """A follower may be early: the current attempt and the next one count as there while the job is active. Raises
    JobNotFound, ValidationFailed."""
    job = find_job(actor=actor, public_id=job_id, related=False)
    place = wanted.query.cursor
    first = (place.attempt if place else 1) if wanted.every_attempt else wanted.attempt or max(job.attempt_number, 1)
    latest = max(job.attempt_number, 1) + (job.is_active and wanted.follow)
    if first > latest:
        raise ValidationFailed({"attempt": [_("The training job has not had so many attempts.")]})
    chosen = range(job.replicas) if wanted.replicas is None else sorted(wanted.replicas)
    if chosen[-1] >= job.replicas:
        raise ValidationFailed({"replica": [_("The training job has no such replica.")]})
    return JobTarget(job.pk, job_id, first, wanted.every_attempt, tuple(chosen))


def parts_of(target: JobTarget) -> list[Part]:
    """What there is to read now, by attempt."""
    first = attempt_state(target, target.attempt)
    latest = max(first.latest, target.attempt) if target.every_attempt else target.attempt
    parts = [Part(target.keys(target.attempt), first.ended)]
    return parts + [
        Part(target.keys(number), attempt_state(target, number).ended)
        for number in range(target.attempt + 1, latest + 1)
    ]


def attempt_state(target: JobTarget, attempt: int) -> AttemptState:
    """Two queries; one while the attempt runs."""
    job = Job.objects.only("status", "attempt_number", "replicas").filter(pk=target.job_pk).first()
    if job is None:
        return AttemptState(JobStatus.STOPPED.value, attempt, ended=True, settled=True)
    decided = job.is_final or job.attempt_number > attempt
    return AttemptState(
        job.status,
        job.attempt_number,
        ended=decided and not any(map(is_awaited, late_pods(target, attempt))),
        settled=decided,
    )


def late_pods(target: JobTarget, attempt: int) -> QuerySet[Pod]:
    """Those whose logs may not be all there yet."""
    since = timezone.now() - LATE - timedelta(seconds=1)
    return (
        Pod.objects.filter(job_id=target.job_pk, attempt__number=attempt, replica__in=target.replicas)
        .filter(Q(observed_at__gt=since) | Q(finished_at__gt=since), log_stored_at=None)
        .exclude(uid="")
        .select_related("job__pool")
        .only(*POD_COLUMNS, "job__pool__kind")
    )


def require_any_captured(target: JobTarget) -> None:
    """For an attempt of which nothing is in the store. Raises PoolUnavailable when a pod of it has begun, and nobody
    fetches what it prints just now."""
    require_fetched(Pod.objects.filter(job_id=target.job_pk, attempt__number=target.attempt))
