"""The news of all processes, heard once for each web process and handed to every open page.

One hub for each event loop. While anybody is connected it holds one subscription to Redis. News are gathered for a
moment, looked up with one query, and put into each connection's inbox; a burst that is too large is "anything may have
changed". While Redis is away every inbox gets that every few seconds, so that pages go on, and once when it is back, as
what was said meanwhile is lost.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from weakref import WeakKeyDictionary

import orjson
from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from jobs.api.log_target import in_database
from jobs.models import Job, ResourcePool
from jobs.news import CHANNEL

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.03
MOST_AT_ONCE = 500  # rows looked up for one moment
AWAY_SECONDS = 3.0
CONNECT_SECONDS = 1.0
CANCEL_SECONDS = 0.1
SILENCE_SECONDS = 10.0  # then the subscription is asked whether it is alive


@dataclass(frozen=True, slots=True)
class JobNews:
    """A job's row as it is now."""

    public_id: str
    project: int
    pool: str
    status: str
    version: int
    deleted_at: datetime | None


class Inbox(Protocol):
    def take(self, jobs: Sequence[JobNews], pools: Iterable[str]) -> None: ...

    def take_anything(self) -> None: ...


class Hub:
    def __init__(self) -> None:
        self._inboxes: set[Inbox] = set()
        self._jobs: set[int] = set()
        self._pools: set[int] = set()
        self._said = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def join(self, inbox: Inbox) -> None:
        self._inboxes.add(inbox)
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._listen(), name="news"),
                asyncio.create_task(self._hand_out(), name="news-out"),
            ]

    async def leave(self, inbox: Inbox) -> None:
        """The last one waits for the subscription's end."""
        self._inboxes.discard(inbox)
        if not self._inboxes and self._tasks:
            ending, self._tasks = set(self._tasks), []
            await end(ending)

    async def _listen(self) -> None:
        while True:
            try:
                await self._subscribe()
            except (RedisError, OSError) as exc:
                logger.info("Open pages read everything every %s s: no news from Redis (%s)", AWAY_SECONDS, exc)
            self._anything()
            await asyncio.sleep(AWAY_SECONDS)

    async def _subscribe(self) -> None:
        """Until Redis goes away, which raises RedisError or OSError."""
        broker = Redis.from_url(settings.REDIS_URL, socket_connect_timeout=CONNECT_SECONDS)
        async with broker, broker.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            asked = False
            while True:
                message = await channel.get_message(timeout=SILENCE_SECONDS)
                if message is None:
                    if asked:
                        raise RedisError("no answer to a ping")
                    await asyncio.wait_for(channel.ping(), CONNECT_SECONDS)  # its answer is a message too
                    asked = True
                    continue
                asked = False
                if message["type"] == "subscribe":
                    self._anything()
                elif message["type"] == "message":
                    self._hear(orjson.loads(message["data"]))

    def _hear(self, said: Mapping[str, Sequence[int]]) -> None:
        self._jobs.update(said.get("jobs", ()))
        self._pools.update(said.get("pools", ()))
        self._said.set()

    async def _hand_out(self) -> None:
        while True:
            await self._said.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._said.clear()
            jobs, self._jobs = self._jobs, set()
            pools, self._pools = self._pools, set()
            if len(jobs) > MOST_AT_ONCE:
                self._anything()
                continue
            try:
                found, names = await in_database(look_up, jobs, pools)
            except Exception:  # the task's boundary: the registry is away for a moment, and pages read for themselves
                logger.exception("What changed could not be read")
                self._anything()
                continue
            for inbox in tuple(self._inboxes):
                inbox.take(found, names)

    def _anything(self) -> None:
        for inbox in tuple(self._inboxes):
            inbox.take_anything()


async def end(tasks: set[asyncio.Task[None]]) -> None:
    """Told again and again: Redis' client takes a cancellation for itself now and then, such as one that comes while it
    connects, and goes on."""
    while tasks:
        for task in tasks:
            task.cancel()
        _done, tasks = await asyncio.wait(tasks, timeout=CANCEL_SECONDS)


def look_up(jobs: Iterable[int], pools: Iterable[int]) -> tuple[list[JobNews], set[str]]:
    """The jobs, and the names of the pools that changed or that they are in."""
    columns = ("public_id", "project_id", "pool__name", "status", "version", "deleted_at")
    rows = Job.objects.filter(pk__in=list(jobs)).values_list(*columns) if jobs else []
    found = [JobNews(*row) for row in rows]
    names = ResourcePool.objects.filter(pk__in=list(pools)).values_list("name", flat=True) if pools else []
    return found, {*names, *(one.pool for one in found)}


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The running loop's."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
