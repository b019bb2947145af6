"""Celery's entry points: each loads by id, calls one function and returns. Any of them may be lost, late or
repeated."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from accounts.purge import purge_expired
from jobs import wakeups
from jobs.logs import packer_process
from jobs.models import ResourcePool
from jobs.reconcile import loop, orphans, pace, usage
from jobs.reconcile import sweep as sweeps
from jobs.terminal import abandoned
from jobs.terminal.recording import records as recordings


@shared_task(name=wakeups.TASK)
def reconcile_pool(pool_id: int) -> None:
    far = ResourcePool.objects.filter(pk=pool_id, kind=ResourcePool.KUBERNETES).exists()
    with pace.turn(pool_id, longest_rest=pace.FAR_REST if far else pace.LONGEST_REST):
        wakeups.answered(pool_id)
        pool = ResourcePool.objects.filter(pk=pool_id).first()
        if pool:
            loop.reconcile(pool)


@shared_task(name="jobs.sweep")
def sweep() -> None:
    sweeps.sweep()


@shared_task(name="jobs.pack_logs")
def pack_logs() -> None:
    packer_process.ensure(settings.LOG_DIR)


@shared_task(name="jobs.sample_pools")
def sample_pools() -> None:
    usage.sample(timezone.now())


@shared_task(name="jobs.purge")
def purge() -> None:
    for pool in ResourcePool.objects.all():
        orphans.remove_orphans(pool)
    sweeps.purge_tombstones()
    usage.purge(timezone.now())
    purge_expired(timezone.now())
    recordings.purge(timezone.now())


@shared_task(name="jobs.end_terminals")
def end_terminals() -> None:
    """Not part of the purge: no pool that does not answer, and no error there, may keep a dead server's shells."""
    abandoned.end_abandoned()
    recordings.close_lost(timezone.now())
