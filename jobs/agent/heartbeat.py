"""Says in a pool's row that its agent lives, when its watch last saw the cluster, and what the pool has.

Two tasks a pool: a cluster that does not answer keeps the second one waiting, never the first. It asks on a thread of
its own, as those that all tasks share are few."""

import asyncio
import logging
from datetime import datetime

from django.utils import timezone

from jobs import news
from jobs.agent.lanes import Lane
from jobs.cluster.base import Capacity, ClusterStreams
from jobs.cluster.errors import ClusterError
from jobs.clusters import cluster_for
from jobs.models import ResourcePool

logger = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
UNSEEN_SECONDS = 1.0  # so soon it is said that the cluster has come in sight
CAPACITY_SECONDS = 30.0


async def beat_for_ever(pool: ResourcePool, streams: ClusterStreams, lane: Lane) -> None:
    while True:
        try:
            await lane.run(beat, pool, streams.watched_at())
        except Exception:  # such as a database away for a moment: the age of the last beat shows it
            logger.exception("The heartbeat of pool %s failed", pool.name)
        in_sight = streams.watched_at() is not None
        await asyncio.sleep(BEAT_SECONDS if in_sight else min(BEAT_SECONDS, UNSEEN_SECONDS))


def beat(pool: ResourcePool, watched_at: datetime | None) -> None:
    """A watch that has not seen the cluster yet leaves what an earlier one saw."""
    seen = {"watched_at": watched_at} if pool.is_watched and watched_at else {}
    ResourcePool.objects.filter(pk=pool.pk).update(agent_seen_at=timezone.now(), **seen)
    news.of_pools([pool.pk])


async def measure_for_ever(pool: ResourcePool, lane: Lane) -> None:
    asking = Lane(f"size-{pool.pk}")
    try:
        await measure(pool, lane, asking)
    finally:
        asking.close()


async def measure(pool: ResourcePool, lane: Lane, asking: Lane) -> None:
    said = ""
    while True:
        try:
            has = await asking.run(cluster_for(pool).capacity)
            await lane.run(write_capacity, pool, has)
            said = ""
        except ClusterError as exc:
            if str(exc) != said:
                logger.warning("Pool %s does not say what it has: %s", pool.name, exc)
            said = str(exc)
        except Exception:  # such as a database away for a moment: asked again
            logger.exception("What pool %s has could not be written", pool.name)
        await asyncio.sleep(CAPACITY_SECONDS)


def write_capacity(pool: ResourcePool, has: Capacity) -> None:
    ResourcePool.objects.filter(pk=pool.pk).update(
        capacity_at=timezone.now(), cpu_millis=has.cpu_millis, memory_bytes=has.memory_bytes, gpus=has.gpus
    )
    news.of_pools([pool.pk])
