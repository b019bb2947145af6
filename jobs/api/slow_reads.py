"""Reads that may go through much of a large log: in threads of their own, since a request has one of very few."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
THREADS = ThreadPoolExecutor(2, thread_name_prefix="slow-reads")


async def in_slow_thread(function: Callable[..., T], *args: object) -> T:
    return await asyncio.get_running_loop().run_in_executor(THREADS, function, *args)
