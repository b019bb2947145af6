"""From a hint to a due row, whatever the database does meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.db import OperationalError

from jobs import wakeups
from jobs.agent import hints, recording
from jobs.agent.gathered import Gathered
from jobs.agent.lanes import Lane
from jobs.cluster.base import Hint, PodPhase
from jobs.models import Job, Pod, ResourcePool
from tests.jobs.agent.conftest import failed, pod

PATIENCE = 20.0


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    pools: list[int] = []

    def wake(pool_id: int) -> bool:
        pools.append(pool_id)
        return True

    monkeypatch.setattr(wakeups, "wake", wake)
    monkeypatch.setattr(hints, "DATABASE_PAUSE_SECONDS", 0.01)
    return pools


@pytest.fixture
def lane() -> Iterator[Lane]:
    made = Lane("test")
    yield made
    made.close()


def pass_on(pool: ResourcePool, *told: Hint) -> None:
    gathered = Gathered()
    for hint in told:
        gathered.add(hint)
    hints.pass_on(pool, gathered)


def is_due(job: Job) -> bool:
    job.refresh_from_db()
    return job.next_check_at is not None


def test_a_plain_hint_costs_one_statement(
    pool: ResourcePool, running: Job, woken: list[int], django_assert_num_queries: Callable[[int], Any]
) -> None:
    with django_assert_num_queries(1):
        pass_on(pool, Hint(running.public_id))
    assert is_due(running)
    assert woken == [pool.pk]


def test_what_is_known_already_wakes_nobody(pool: ResourcePool, running: Job, woken: list[int]) -> None:
    pass_on(pool, Hint(running.public_id, pod=pod(running)))
    assert not is_due(running)
    assert woken == []


def test_a_change_of_a_pod_makes_its_job_due(pool: ResourcePool, running: Job, woken: list[int]) -> None:
    pass_on(pool, Hint(running.public_id, pod=pod(running, phase=PodPhase.SUCCEEDED)))
    assert is_due(running)
    assert woken == [pool.pk]


class Streams:
    def __init__(self, *told: Hint) -> None:
        self.told = told

    async def watch(self) -> AsyncIterator[Hint]:
        for hint in self.told:
            yield hint
        await asyncio.Event().wait()


@asynccontextmanager
async def forwarding(pool: ResourcePool, lane: Lane, streams: Any, *listeners: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(hints.forward_for_ever(pool, streams, lane, listeners))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.django_db(transaction=True)
async def test_what_came_along_waits_until_the_database_is_back(
    pool: ResourcePool, running: Job, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([OperationalError("away")] * 3)

    def record(*args: Any) -> set[str]:
        for failure in failures:
            raise failure
        return recorded(*args)

    recorded = recording.record
    monkeypatch.setattr(recording, "record", record)
    last = Hint(running.public_id, pod=failed(running), gone=True)
    async with forwarding(pool, lane, Streams(last, Hint(running.public_id))), asyncio.timeout(PATIENCE):
        while not await Job.objects.filter(pk=running.pk, next_check_at__isnull=False).aexists():
            await asyncio.sleep(0.02)
    assert (await Pod.objects.aget(job=running, replica=0)).exit_code == 3


@pytest.mark.django_db(transaction=True)
async def test_listeners_see_every_hint(pool: ResourcePool, running: Job, lane: Lane) -> None:
    class Ear:
        def __init__(self) -> None:
            self.heard: list[Hint] = []

        def see(self, hint: Hint) -> None:
            self.heard.append(hint)

    ear, told = Ear(), [Hint(running.public_id), Hint(running.public_id, pod=pod(running))]
    async with forwarding(pool, lane, Streams(*told), ear), asyncio.timeout(PATIENCE):
        while ear.heard != told:
            await asyncio.sleep(0.02)
