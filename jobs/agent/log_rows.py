"""What the registry says of logs that are fetched, and what it is told of them. Synchronous: for a pool's lane."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from jobs import wakeups
from jobs.cluster.base import PodRef
from jobs.models import Job, Pod, ResourcePool
from jobs.reconcile.loop import reconcile
from jobs.states import Desired

BATCH = 500
SETTLED = timedelta(seconds=5)  # so long after its end a pod is missed by nobody who watches
STARTED = Q(started_at__isnull=False) | Q(exit_code__isnull=False) | Q(phase__in=("Running", "Succeeded"))


@dataclass(frozen=True, slots=True)
class Known:
    """`readable`: somebody may ask for the job's logs. `marked`: they are said to be stored."""

    readable: bool
    marked: bool


def known(pool: ResourcePool, refs: Sequence[PodRef]) -> Mapping[PodRef, Known]:
    """Without those whose job is not in the registry."""
    desired = dict(
        Job.objects.filter(pool=pool, public_id__in={ref.job_id for ref in refs}).values_list("public_id", "desired")
    )
    rows = rows_of(pool, refs).filter(log_stored_at__isnull=False)
    marked = set(rows.values_list("name", flat=True))
    return {
        ref: Known(desired[ref.job_id] != Desired.DELETE, ref.name in marked) for ref in refs if ref.job_id in desired
    }


def rows_of(pool: ResourcePool, refs: Sequence[PodRef]) -> QuerySet[Pod]:
    return Pod.objects.filter(
        job__pool=pool, job__public_id__in={ref.job_id for ref in refs}, name__in={ref.name for ref in refs}
    )


def mark_stored(pool: ResourcePool, refs: Sequence[PodRef]) -> tuple[list[PodRef], set[str]]:
    """Writes that the logs of just these pods are stored, and makes their jobs due. Answers which pods the registry
    does not know yet, and which jobs are not in it (any more)."""
    there = set(
        Job.objects.filter(pool=pool, public_id__in={ref.job_id for ref in refs}).values_list("public_id", flat=True)
    )
    uids = {ref.uid for ref in refs}
    found = {(name, uid): pk for pk, name, uid in rows_of(pool, refs).filter(uid__in=uids).values_list(*ROW)}
    pks = [found[ref.name, ref.uid] for ref in refs if (ref.name, ref.uid) in found]
    if Pod.objects.filter(pk__in=pks, uid__in=uids, log_stored_at=None).update(log_stored_at=timezone.now()):
        make_due(pool, {ref.job_id for ref in refs if (ref.name, ref.uid) in found})
    unknown = [ref for ref in refs if ref.job_id in there and (ref.name, ref.uid) not in found]
    return unknown, {ref.job_id for ref in refs} - there


ROW = ("pk", "name", "uid")


def mark_unstored(pool: ResourcePool, ref: PodRef) -> None:
    """The replica has a new pod, whose log is to be fetched yet."""
    rows_of(pool, [ref]).update(log_stored_at=None)


def make_due(pool: ResourcePool, job_ids: set[str]) -> None:
    Job.objects.filter(pool=pool, public_id__in=job_ids, next_check_at__isnull=False).hint(timezone.now())
    if not wakeups.wake(pool.pk):
        reconcile(pool)


def left_over(pool: ResourcePool) -> Mapping[PodRef, bool]:
    """Pods that are over, whose logs nobody says to be stored, and whether they ever ran. The jobs that are still to be
    seen to, and no others: those have an index."""
    rows = (
        Pod.objects.filter(job__pool=pool, job__next_check_at__isnull=False, log_stored_at=None)
        .filter(Q(phase__in=("Succeeded", "Failed")) | Q(attempt__finished_at__isnull=False))
        .filter(Q(observed_at=None) | Q(observed_at__lt=timezone.now() - SETTLED))
        .exclude(uid="")
        .annotate(ran=STARTED)
        .values_list("job__public_id", "attempt__number", "replica", "uid", "ran")
    )
    return {PodRef(job_id, attempt, replica, uid): ran for job_id, attempt, replica, uid, ran in rows}


def deleted(pool: ResourcePool) -> set[str]:
    """Jobs whose logs nobody will ask for any more, but which are still in the registry."""
    rows = Job.objects.filter(pool=pool, deleted_at__isnull=False)
    return set(rows.values_list("public_id", flat=True))
