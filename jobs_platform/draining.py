"""What is to happen when the web server begins to stop, before it closes its connections."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger("jobs_platform.web")

Hook = Callable[[], Awaitable[None]]
HOOKS: list[Hook] = []


def before_drain(hook: Hook) -> Hook:
    HOOKS.append(hook)
    return hook


async def run_hooks() -> None:
    """Together. One that fails keeps nothing from stopping."""
    for outcome in await asyncio.gather(*(hook() for hook in HOOKS), return_exceptions=True):
        if isinstance(outcome, BaseException):
            logger.error("The server stops without having ended all", exc_info=outcome)
