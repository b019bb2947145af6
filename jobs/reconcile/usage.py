"""What each pool is used for, written down once a minute, and kept for a week."""

from datetime import datetime, timedelta

from django.db.models import Count

from jobs.models import Job, PoolUse, ResourcePool
from jobs.reconcile.admit import in_use
from jobs.states import JobStatus

KEPT = timedelta(days=7)
BATCH = 5000  # rows removed at a time
WAITING = (JobStatus.PENDING.value, JobStatus.QUEUED.value)


def sample(now: datetime) -> int:
    """A row for every pool at this minute; one that is there already stays. Answers how many pools there are."""
    minute = now.replace(second=0, microsecond=0)
    waiting = waiting_by_pool()
    rows = [measured(pool, minute, waiting.get(pool.pk, 0)) for pool in ResourcePool.objects.all()]
    PoolUse.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def measured(pool: ResourcePool, minute: datetime, waiting: int) -> PoolUse:
    running, used = in_use(pool)
    return PoolUse(
        pool=pool,
        at=minute,
        cpu_millis=used.cpu,
        memory_bytes=used.memory,
        gpus=used.gpu,
        running=sum(running.values()),
        waiting=waiting,
    )


def waiting_by_pool() -> dict[int, int]:
    rows = Job.objects.active().filter(status__in=WAITING, deleted_at=None).order_by().values_list("pool")
    return dict(rows.annotate(jobs=Count("pk")))


def purge(now: datetime) -> int:
    """Removes what is older than KEPT, a bounded batch at a time."""
    old = PoolUse.objects.filter(at__lt=now - KEPT).order_by().values_list("pk", flat=True)[:BATCH]
    removed, _rows = PoolUse.objects.filter(pk__in=list(old)).delete()
    return removed
