"""Where the terminals' database work is done."""

from collections.abc import Callable
from typing import TypeVar

from channels.db import database_sync_to_async

T = TypeVar("T")


async def in_thread(call: Callable[[], T]) -> T:
    """Off the event loop, and not behind other requests' database work either."""
    result: T = await database_sync_to_async(call, thread_sensitive=False)()
    return result
