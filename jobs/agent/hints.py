"""Hints from a pool's cluster, gathered for a few milliseconds, written as due rows, and told to the worker.

One asyncio task a pool. A hint is only latency: when this ends or fails it is started again after a pause, and the
sweeps have covered the time between.
"""

import asyncio
import logging
from collections.abc import Sequence

from asgiref.sync import sync_to_async
from django.utils import timezone

from jobs import wakeups
from jobs.cluster.base import ClusterStreams
from jobs.models import Job, ResourcePool
from jobs.reconcile.loop import reconcile

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.004
BATCH = 500
RESTART_SECONDS = 2.0


async def forward_for_ever(pool: ResourcePool, streams: ClusterStreams) -> None:
    while True:
        try:
            await forward(pool, streams)
        except Exception:  # the watch must never end for good (R10): logged, and begun again
            logger.exception("The watch of pool %s ended", pool.name)
        await asyncio.sleep(RESTART_SECONDS)


async def forward(pool: ResourcePool, streams: ClusterStreams) -> None:
    hinted: set[str] = set()
    arrived = asyncio.Event()
    writer = asyncio.create_task(write_gathered(pool, hinted, arrived))
    try:
        async for hint in streams.watch():
            hinted.add(hint.job_id)
            arrived.set()
    finally:
        writer.cancel()


async def write_gathered(pool: ResourcePool, hinted: set[str], arrived: asyncio.Event) -> None:
    while True:
        await arrived.wait()
        await asyncio.sleep(GATHER_SECONDS)
        arrived.clear()
        job_ids = list(hinted)
        hinted.clear()
        try:
            await sync_to_async(pass_on)(pool, job_ids)
        except Exception:  # a hint that cannot be written is a hint lost, which the sweep makes good
            logger.exception("%s hints of pool %s were lost", len(job_ids), pool.name)


def pass_on(pool: ResourcePool, job_ids: Sequence[str]) -> None:
    """Make the jobs due and wake the worker; without a broker, do the worker's part here."""
    for start in range(0, len(job_ids), BATCH):
        Job.objects.active().filter(pool=pool, public_id__in=job_ids[start : start + BATCH]).hint(timezone.now())
    if not wakeups.wake(pool.pk):
        reconcile(pool)
