"""Stands in for the worker while the broker is away: jobs still start and end, with no Celery at all."""

import asyncio
import logging

from django.utils import timezone

from jobs import wakeups
from jobs.agent.lanes import Lanes
from jobs.models import ResourcePool
from jobs.reconcile.loop import reconcile
from jobs.reconcile.sweep import pools_with_work

logger = logging.getLogger(__name__)

PROBE_SECONDS = 1.0
DOWN_SECONDS = 0.2  # how often due rows are looked for while there is no broker


async def stand_in_for_ever(lanes: Lanes) -> None:
    was_up, under_way = True, dict[int, asyncio.Task[None]]()
    while True:
        up = await lanes.common.run(wakeups.broker_is_up)
        if up != was_up:
            logger.warning("The broker is %s", "back: the workers take over" if up else "away: reconciling here")
        was_up = up
        if not up:
            await sweep(lanes, under_way)
        await asyncio.sleep(PROBE_SECONDS if up else DOWN_SECONDS)


async def sweep(lanes: Lanes, under_way: dict[int, asyncio.Task[None]]) -> None:
    """Waits for no pool: one whose cluster hangs is left out until it is through."""
    try:
        pools = await lanes.common.run(pools_with_work, timezone.now())
    except Exception:  # such as a database away for a moment: logged, and tried again at the next turn
        logger.exception("What is due could not be read without the broker")
        return
    for pool in pools:
        if pool.pk not in under_way or under_way[pool.pk].done():
            under_way[pool.pk] = asyncio.create_task(sweep_one(lanes, pool))


async def sweep_one(lanes: Lanes, pool: ResourcePool) -> None:
    try:
        await lanes.of(pool.pk).run(reconcile, pool)
    except Exception:  # one pool's fault must not end this task unheard; the next turn tries again
        logger.exception("Reconciling pool %s without the broker failed", pool.name)
