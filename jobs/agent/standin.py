"""Stands in for the worker while the broker is away: jobs still start and end, with no Celery at all."""

import asyncio
import logging

from asgiref.sync import sync_to_async

from jobs import wakeups
from jobs.reconcile.sweep import sweep

logger = logging.getLogger(__name__)

PROBE_SECONDS = 1.0
DOWN_SECONDS = 0.2  # how often due rows are looked for while there is no broker


async def stand_in_for_ever() -> None:
    was_up = True
    while True:
        up = await sync_to_async(wakeups.broker_is_up)()
        if up != was_up:
            logger.warning("The broker is %s", "back: the workers take over" if up else "away: reconciling here")
        was_up = up
        if not up:
            await sweep_until_probe()
        await asyncio.sleep(PROBE_SECONDS if up else DOWN_SECONDS)


async def sweep_until_probe() -> None:
    try:
        await sync_to_async(sweep)()
    except Exception:  # such as a database away for a moment: logged, and tried again at the next turn
        logger.exception("Reconciling without the broker failed")
