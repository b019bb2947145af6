"""The periodic part: pools with something due are reconciled, whatever became of their wake-ups; what nobody knows any
more is taken down; tombstones go."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from jobs.cluster.base import Cluster, ObjectRef
from jobs.cluster.errors import ClusterError
from jobs.clusters import cluster_for
from jobs.models import Job, ResourcePool
from jobs.reconcile.loop import reconcile
from jobs.states import FINAL, Desired, JobStatus

logger = logging.getLogger(__name__)

PURGE_BATCH = 500
ORPHAN_AGE = timedelta(seconds=60)


def pools_with_work(now: datetime) -> list[ResourcePool]:
    waits = Q(status=JobStatus.QUEUED.value, desired=Desired.RUN.value)
    due = Job.objects.filter(waits | Q(next_check_at__lte=now)).order_by()
    return list(ResourcePool.objects.filter(pk__in=list(due.values_list("pool_id", flat=True).distinct())))


def sweep() -> int:
    """One bad pool never stops the others. Answers how many jobs were looked at."""
    done = 0
    for pool in pools_with_work(timezone.now()):
        try:
            done += reconcile(pool)
        except Exception:  # one pool's fault must not keep the others from being swept; the next sweep tries again
            logger.exception("The sweep of pool %s failed", pool.name)
    return done


def remove_orphans(pool: ResourcePool) -> int:
    """Ends attempts that run though their job is over: only for a job this registry knows. Answers how many."""
    try:
        cluster = cluster_for(pool)
        found = cluster.list_attempts()
    except ClusterError as exc:
        logger.info("Pool %s could not be looked through for orphans: %s", pool.name, exc)
        return 0
    orphans = list(known_orphans(found))
    for ref in orphans:
        take_down(cluster, ref)
    return len(orphans)


def take_down(cluster: Cluster, ref: ObjectRef) -> None:
    """What still ends when this comes by is forgotten the next time."""
    logger.warning("%s is there though its job is over: taken down", ref.name)
    try:
        cluster.delete_attempt(ref, grace_seconds=5)
        cluster.forget_attempt(ref)
    except ClusterError as exc:
        logger.info("%s is not gone yet: %s", ref.name, exc)


def known_orphans(found: Sequence[ObjectRef]) -> list[ObjectRef]:
    """Attempts of jobs that ended a while ago, and attempts before a job's current one."""
    jobs = {
        job.public_id: job
        for job in Job.objects.filter(public_id__in=[ref.job_id for ref in found]).only(
            "public_id", "status", "finished_at", "attempt_number"
        )
    }
    before = timezone.now() - ORPHAN_AGE
    return [ref for ref in found if (job := jobs.get(ref.job_id)) and is_orphan(job, ref, before)]


def is_orphan(job: Job, ref: ObjectRef, before: datetime) -> bool:
    ended = job.state in FINAL and job.finished_at is not None and job.finished_at < before
    return ended or ref.attempt < job.attempt_number


def purge_tombstones() -> int:
    """Removes rows of jobs deleted long ago of which nothing runs, a bounded batch at a time."""
    before = timezone.now() - timedelta(seconds=settings.TOMBSTONE_SECONDS)
    gone = Job.objects.filter(
        deleted_at__lt=before, next_check_at=None, status__in=[status.value for status in FINAL]
    ).values_list("pk", flat=True)[:PURGE_BATCH]
    removed, _rows = Job.objects.filter(pk__in=list(gone)).delete()
    return removed
