"""The right to be here, asked for again and again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from jobs.terminal.protocol import Ending

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0

Objection = Callable[[], Awaitable[Ending | None]]


async def until_lost(objection: Objection, limit: float) -> Ending:
    """Asks more often than the limit (seconds), so that the asking fits in. When nobody can answer for longer than the
    limit, the right is taken as lost."""
    loop = asyncio.get_running_loop()
    asked = loop.time()
    pause = limit * 2 / 3
    while True:
        await asyncio.sleep(pause)
        try:
            ending = await objection()
        except Exception:  # the registry is not to be had: asked again, and in the end refused
            logger.exception("A terminal's right could not be checked")
            if loop.time() - asked > limit:
                return Ending.FAILED
            pause = min(RETRY_SECONDS, limit / 4)
            continue
        if ending is not None:
            return ending
        asked, pause = loop.time(), limit * 2 / 3
