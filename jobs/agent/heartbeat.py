"""Says in each pool's row that its agent lives, and what the pool has."""

import asyncio
import logging
from collections.abc import Sequence

from asgiref.sync import sync_to_async
from django.utils import timezone

from jobs.cluster.errors import ClusterError
from jobs.clusters import cluster_for
from jobs.models import ResourcePool

logger = logging.getLogger(__name__)

BEAT_SECONDS = 10.0


async def beat_for_ever(pools: Sequence[ResourcePool]) -> None:
    while True:
        for pool in pools:
            try:
                await sync_to_async(beat)(pool)
            except Exception:  # such as a database away for a moment: the age of the last beat shows it
                logger.exception("The heartbeat of pool %s failed", pool.name)
        await asyncio.sleep(BEAT_SECONDS)


def beat(pool: ResourcePool) -> None:
    now = timezone.now()
    try:
        has = cluster_for(pool).capacity()
    except ClusterError as exc:
        logger.warning("Pool %s does not say what it has: %s", pool.name, exc)
        return
    ResourcePool.objects.filter(pk=pool.pk).update(
        agent_seen_at=now, capacity_at=now, cpu_millis=has.cpu_millis, memory_bytes=has.memory_bytes, gpus=has.gpus
    )
