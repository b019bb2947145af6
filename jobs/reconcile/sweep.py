"""The periodic part: pools with something due are reconciled, whatever became of their wake-ups; tombstones go."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from jobs.models import Job, ResourcePool
from jobs.reconcile.loop import reconcile
from jobs.states import FINAL, Desired, JobStatus

logger = logging.getLogger(__name__)

PURGE_BATCH = 500


def pools_with_work(now: datetime) -> list[ResourcePool]:
    waiting = Job.objects.active().filter(status=JobStatus.QUEUED.value, desired=Desired.RUN.value)
    due = Job.objects.filter(next_check_at__lte=now)  # each by an index of its own
    pools = {pk for jobs in (waiting, due) for pk in jobs.order_by().values_list("pool_id", flat=True).distinct()}
    busy = Q(pk__in=pools)
    return list(ResourcePool.objects.filter(busy | Q(frozen_at__isnull=False)))


def sweep() -> int:
    """One bad pool never stops the others. Answers how many jobs were looked at."""
    done = 0
    for pool in pools_with_work(timezone.now()):
        try:
            done += reconcile(pool)
        except Exception:  # one pool's fault must not keep the others from being swept; the next sweep tries again
            logger.exception("The sweep of pool %s failed", pool.name)
    return done


def purge_tombstones() -> int:
    """Removes rows of jobs deleted long ago of which nothing runs, a bounded batch at a time."""
    before = timezone.now() - timedelta(seconds=settings.TOMBSTONE_SECONDS)
    gone = Job.objects.filter(
        deleted_at__lt=before, next_check_at=None, status__in=[status.value for status in FINAL]
    ).values_list("pk", flat=True)[:PURGE_BATCH]
    removed, _rows = Job.objects.filter(pk__in=list(gone)).delete()
    return removed
