"""A thread for each pool's blocking work: one pool whose cluster hangs must not hold up what is done for the others.

Within a lane one thing is done at a time, in order. Each gets a database connection that works, also after the
database was away, and gives it back where connections are pooled."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")


class Lane:
    def __init__(self, name: str) -> None:
        self.executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(
            self.executor, lambda: connected(function, *args, **kwargs)
        )

    def close(self) -> None:
        """What runs ends in its own time; what waits is dropped."""
        self.executor.shutdown(wait=False, cancel_futures=True)


def connected(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    close_old_connections()
    try:
        return function(*args, **kwargs)
    finally:
        close_old_connections()


@dataclass(slots=True)
class Lanes:
    """`common` is for what concerns no pool in particular."""

    common: Lane = field(default_factory=lambda: Lane("agent"))
    of_pools: dict[int, Lane] = field(default_factory=dict)

    def of(self, pool_id: int) -> Lane:
        if pool_id not in self.of_pools:
            self.of_pools[pool_id] = Lane(f"pool-{pool_id}")
        return self.of_pools[pool_id]

    def close(self) -> None:
        for lane in (self.common, *self.of_pools.values()):
            lane.close()
