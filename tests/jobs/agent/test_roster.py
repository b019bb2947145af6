"""Pools come, go and change while the agent runs; none of them stops another."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from jobs import wakeups
from jobs.agent import heartbeat, hints, roster
from jobs.agent.lanes import Lanes
from jobs.agent.roster import Roster
from jobs.cluster.base import Capacity, Hint
from jobs.cluster.errors import Unavailable
from jobs.models import Job, Queue, ResourcePool
from tests.jobs.conftest import submit

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 20.0


class Streams:
    """Tells what it is told to tell."""

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.name = name
        self.told: asyncio.Queue[Hint] = asyncio.Queue()
        self.seen_at: datetime | None = timezone.now()

    async def watch(self) -> AsyncIterator[Hint]:
        self.world.watching.append(self.name)
        try:
            if self.name in self.world.broken:
                raise ZeroDivisionError("a watch with a fault")
            while True:
                yield await self.told.get()
        finally:
            self.world.watching.remove(self.name)

    def watched_at(self) -> datetime | None:
        return self.seen_at


class World:
    """What clusters there are, by pool."""

    def __init__(self) -> None:
        self.streams: dict[str, Streams] = {}
        self.watching: list[str] = []
        self.broken: set[str] = set()
        self.unusable: set[str] = set()
        self.hang = threading.Event()
        self.hanging: set[str] = set()

    def streams_for(self, pool: ResourcePool) -> Streams:
        if pool.name in self.unusable:
            raise Unavailable("there is no kubeconfig")
        self.streams[pool.name] = Streams(self, pool.name)
        return self.streams[pool.name]

    def cluster_for(self, pool: ResourcePool) -> "Size":
        return Size(self, pool.name)


class Size:
    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name

    def capacity(self) -> Capacity:
        if self.name in self.world.hanging:
            self.world.hang.wait(PATIENCE)
            raise Unavailable("no answer")
        return Capacity(1000, None, 2)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World()
    monkeypatch.setattr(roster, "streams_for", made.streams_for)
    monkeypatch.setattr(heartbeat, "cluster_for", made.cluster_for)
    monkeypatch.setattr(roster, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(heartbeat, "CAPACITY_SECONDS", 0.05)
    monkeypatch.setattr(hints, "RESTART_SECONDS", 0.05)
    monkeypatch.setattr(wakeups, "wake", lambda _pool: True)
    yield made
    made.hang.set()


@asynccontextmanager
async def agent(*named: str) -> AsyncIterator[Lanes]:
    lanes = Lanes()
    task = asyncio.create_task(Roster(named, lanes).keep_for_ever())
    try:
        yield lanes
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        lanes.close()


async def until(condition: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await condition():
            await asyncio.sleep(0.02)


async def watching(world: World, *names: str) -> None:
    async def so() -> bool:
        return sorted(world.watching) == sorted(names)

    await until(so)


async def make(name: str, **columns: Any) -> ResourcePool:
    return await ResourcePool.objects.acreate(name=name, kind=ResourcePool.KUBERNETES, **columns)


async def fresh(pool: ResourcePool) -> ResourcePool:
    return await ResourcePool.objects.aget(pk=pool.pk)


async def test_a_pool_that_is_added_or_disabled_is_picked_up(world: World) -> None:
    async with agent():
        first = await make("first")
        await watching(world, "first")
        await make("second")
        await watching(world, "first", "second")
        await ResourcePool.objects.filter(pk=first.pk).aupdate(enabled=False)
        await watching(world, "second")
        await ResourcePool.objects.filter(pk=first.pk).aupdate(enabled=True)
        await watching(world, "first", "second")
    assert world.watching == []


async def test_a_pool_whose_options_change_is_begun_anew(world: World) -> None:
    pool = await make("first", options={"namespace": "one"})
    async with agent():
        await watching(world, "first")
        before = world.streams["first"]
        await ResourcePool.objects.filter(pk=pool.pk).aupdate(options={"namespace": "two"})

        async def replaced() -> bool:
            return world.streams["first"] is not before and world.watching == ["first"]

        await until(replaced)


async def test_an_agent_for_named_pools_leaves_the_others_to_others(world: World) -> None:
    await make("mine")
    await make("theirs")
    async with agent("mine"):
        await watching(world, "mine")


def test_a_disabled_pool_is_watched_until_its_jobs_are_done(bob: User, queue: Queue) -> None:
    job = submit(bob)
    ResourcePool.objects.update(enabled=False)
    assert [pool.pk for pool in roster.pools_to_watch([])] == [job.pool_id]
    Job.objects.update(next_check_at=None)
    assert roster.pools_to_watch([]) == []


async def test_a_pool_that_cannot_be_used_is_said_once_and_tried_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await make("bad")
    await make("good")
    world.unusable.add("bad")
    async with agent():
        await watching(world, "good")
        await asyncio.sleep(0.3)  # several looks
        world.unusable.clear()
        await watching(world, "bad", "good")
    assert sum("bad is not watched: there is no kubeconfig" in line for line in caplog.messages) == 1


async def test_a_broken_watch_and_a_hanging_cluster_stop_no_other_pool(world: World) -> None:
    world.broken.add("broken")
    hanging = [f"hanging-{number}" for number in range(10)]
    world.hanging.update(hanging)
    pools = {name: await make(name) for name in ("broken", *hanging, "good")}
    async with agent():

        async def beats() -> bool:
            rows = [await fresh(pool) for pool in pools.values()]
            return all(row.agent_seen_at for row in rows)

        await until(beats)

        async def measured() -> bool:
            return (await fresh(pools["good"])).gpus == 2

        await until(measured)
        assert (await fresh(pools["hanging-0"])).capacity_at is None
        world.broken.clear()
        await watching(world, "broken", "good", *hanging)


async def test_an_agent_that_lives_does_not_make_its_watch_look_fresh(world: World) -> None:
    pool = await make("far")
    seen = timezone.now() - timedelta(minutes=10)
    async with agent():
        await watching(world, "far")
        world.streams["far"].seen_at = seen

        async def aged() -> bool:
            row = await fresh(pool)
            lives = row.agent_seen_at is not None and row.agent_seen_at > timezone.now() - timedelta(seconds=5)
            return lives and row.watched_at == seen

        await until(aged)


async def test_a_watch_that_saw_nothing_yet_leaves_what_the_one_before_it_saw(world: World) -> None:
    seen = timezone.now() - timedelta(minutes=10)
    pool = await make("far", watched_at=seen)
    await asyncio.to_thread(heartbeat.beat, pool, None)
    assert (await fresh(pool)).watched_at == seen
