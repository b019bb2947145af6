"""Which pools the agent watches just now. Pools come, go and change while it runs: it looks every few seconds.

A pool has tasks of its own, which nothing of another pool can stop. A pool that is disabled is watched on as long as
jobs of it are not done; one whose options change is begun anew with them.
"""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q

from jobs.agent.capture import Capture
from jobs.agent.heartbeat import beat_for_ever, measure_for_ever
from jobs.agent.hints import forward_for_ever
from jobs.agent.lanes import Lane, Lanes
from jobs.cluster.base import ClusterStreams
from jobs.cluster.errors import Unavailable
from jobs.clusters import as_text, streams_for
from jobs.models import Job, ResourcePool

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0


@dataclass(slots=True)
class Watched:
    key: str
    name: str
    tasks: list[asyncio.Task[None]]

    @property
    def is_broken(self) -> bool:
        return any(task.done() for task in self.tasks)

    def report_faults(self) -> None:
        for task in self.tasks:
            if task.done():
                logger.error("A part of the watch of pool %s ended", self.name, exc_info=task.exception())


class Roster:
    def __init__(self, named: Sequence[str], lanes: Lanes) -> None:
        self.named = named
        self.lanes = lanes
        self.watched: dict[int, Watched] = {}
        self.refused: dict[int, str] = {}  # why a pool is not watched, to be said once

    async def keep_for_ever(self) -> None:
        try:
            while True:
                try:
                    await self.adapt(await self.lanes.common.run(pools_to_watch, self.named))
                except Exception:  # such as a database away for a moment: the pools stay as they are
                    logger.exception("Which pools to watch could not be read")
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await self.end(list(self.watched))

    async def adapt(self, pools: Sequence[ResourcePool]) -> None:
        """A task that ended did so by a fault of the platform's own: its pool is begun anew."""
        for one in self.watched.values():
            one.report_faults()
        keys = {pool.pk: key_of(pool) for pool in pools}
        await self.end([pk for pk, one in self.watched.items() if one.is_broken or one.key != keys.get(pk)])
        for pool in pools:
            if pool.pk not in self.watched:
                self.begin(pool)

    def begin(self, pool: ResourcePool) -> None:
        try:
            streams = streams_for(pool)
        except Unavailable as exc:
            if self.refused.get(pool.pk) != str(exc):
                logger.warning("Pool %s is not watched: %s", pool.name, exc)
            self.refused[pool.pk] = str(exc)
            return
        self.refused.pop(pool.pk, None)
        works = works_of(pool, streams, self.lanes.of(pool.pk))
        self.watched[pool.pk] = Watched(key_of(pool), pool.name, [asyncio.create_task(work) for work in works])
        logger.info("Pool %s is watched", pool.name)

    async def end(self, pks: Sequence[int]) -> None:
        gone = [self.watched.pop(pk) for pk in pks]
        tasks = [task for one in gone for task in one.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in gone:
            logger.info("Pool %s is no longer watched as it was", one.name)


def works_of(pool: ResourcePool, streams: ClusterStreams, lane: Lane) -> list[Coroutine[Any, Any, None]]:
    works = [beat_for_ever(pool, streams, lane), measure_for_ever(pool, lane)]
    if not pool.fetches_logs:
        return [*works, forward_for_ever(pool, streams, lane)]
    capture = Capture(pool, streams, lane)
    return [*works, forward_for_ever(pool, streams, lane, (capture,)), capture.run()]


def key_of(pool: ResourcePool) -> str:
    return f"{pool.kind} {as_text(pool)}"


def pools_to_watch(named: Sequence[str]) -> list[ResourcePool]:
    """Enabled ones, and those with jobs that are not done."""
    undone = Exists(Job.objects.filter(pool=OuterRef("pk"), next_check_at__isnull=False))
    pools = ResourcePool.objects.filter(Q(enabled=True) | undone)
    return list(pools.filter(name__in=named) if named else pools)
