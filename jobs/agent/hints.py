"""Hints from a pool's cluster, gathered for a few milliseconds, written down, and told to the worker.

One asyncio task a pool. That a job is due is only latency: the sweeps cover the time while this does not run. What a
hint brings along (an event, a pod's last state) is kept until it is written: a cluster may not tell it twice.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from jobs import wakeups
from jobs.agent import recording
from jobs.agent.gathered import Gathered
from jobs.agent.lanes import Lane
from jobs.cluster.base import ClusterStreams, Hint
from jobs.models import Job, ResourcePool
from jobs.reconcile.loop import reconcile

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.004
BATCH = 500
RESTART_SECONDS = 2.0
DATABASE_PAUSE_SECONDS = 1.0


class Listener(Protocol):
    def see(self, hint: Hint) -> None:
        """Called for each hint as it arrives, on the loop."""


async def forward_for_ever(
    pool: ResourcePool, streams: ClusterStreams, lane: Lane, listeners: Sequence[Listener] = ()
) -> None:
    gathered = Gathered()
    while True:
        try:
            await forward(pool, streams, lane, gathered, listeners)
        except Exception:  # the watch must never end for good (R10): logged, and begun again
            logger.exception("The watch of pool %s ended", pool.name)
        await asyncio.sleep(RESTART_SECONDS)


async def forward(
    pool: ResourcePool, streams: ClusterStreams, lane: Lane, gathered: Gathered, listeners: Sequence[Listener]
) -> None:
    arrived = asyncio.Event()
    writer = asyncio.create_task(write_gathered(pool, lane, gathered, arrived))
    try:
        async for hint in streams.watch():
            gathered.add(hint)
            arrived.set()
            for listener in listeners:
                listener.see(hint)
    finally:
        writer.cancel()


async def write_gathered(pool: ResourcePool, lane: Lane, gathered: Gathered, arrived: asyncio.Event) -> None:
    while True:
        await arrived.wait()
        await asyncio.sleep(GATHER_SECONDS)
        arrived.clear()
        taken = gathered.take()
        try:
            await lane.run(pass_on, pool, taken)
        except (OperationalError, InterfaceError) as exc:
            logger.warning("What pool %s told waits for the database: %s", pool.name, exc)
            gathered.put_back(taken)
            arrived.set()
            await asyncio.sleep(DATABASE_PAUSE_SECONDS)
        except Exception:  # a fault of the platform's own: what can be looked up again is left to the sweep
            logger.exception("Hints about %s jobs of pool %s were lost", len(taken.plain), pool.name)


def pass_on(pool: ResourcePool, gathered: Gathered) -> None:
    """Write what came along, make the jobs due and wake the worker; without a broker, do the worker's part here."""
    job_ids = list(gathered.plain)
    if gathered.pods or gathered.notices:
        job_ids = list(gathered.plain | recording.record(pool, gathered))
    for start in range(0, len(job_ids), BATCH):
        Job.objects.active().filter(pool=pool, public_id__in=job_ids[start : start + BATCH]).hint(timezone.now())
    if job_ids and not wakeups.wake(pool.pk):
        reconcile(pool)
