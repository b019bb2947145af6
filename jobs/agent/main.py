"""The agent: one asyncio process that watches its pools. It may die at any moment: it holds nothing but latency."""

import asyncio
import logging
import signal
from collections.abc import Sequence

from jobs.agent.heartbeat import beat_for_ever
from jobs.agent.hints import forward_for_ever
from jobs.agent.standin import stand_in_for_ever
from jobs.cluster.errors import Unavailable
from jobs.clusters import streams_for
from jobs.models import ResourcePool

logger = logging.getLogger(__name__)


async def run(pools: Sequence[ResourcePool]) -> None:
    """Until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reachable = [pool for pool in pools if can_watch(pool)]
    tasks = [
        asyncio.create_task(stand_in_for_ever()),
        asyncio.create_task(beat_for_ever(reachable)),
        *(asyncio.create_task(forward_for_ever(pool, streams_for(pool))) for pool in reachable),
    ]
    await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def can_watch(pool: ResourcePool) -> bool:
    try:
        streams_for(pool)
    except Unavailable as exc:
        logger.warning("Pool %s is not watched: %s", pool.name, exc)
        return False
    return True
