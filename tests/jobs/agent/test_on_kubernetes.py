"""The agent on the double: what it keeps of a cluster that forgets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from accounts.models import User
from jobs import clusters, wakeups
from jobs.agent import heartbeat
from jobs.agent.lanes import Lanes
from jobs.agent.roster import Roster
from jobs.models import Event, Job, Pod, Queue, ResourcePool
from jobs.reconcile import decide, loop
from tests.jobs.conftest import submit
from tests.kube import ApiServer

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 30.0


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(simulate=True) as server:
        yield server


@pytest.fixture
def pool(db: None, server: ApiServer, tmp_path: Path, settings: Any) -> Iterator[ResourcePool]:
    settings.KUBECONFIG_DIR = tmp_path
    server.kubeconfig(tmp_path / "far.yaml")
    yield ResourcePool.objects.create(
        name="far", kind=ResourcePool.KUBERNETES, is_default=True, options={"kubeconfig": "far.yaml"}
    )
    clusters.kubernetes_cluster.cache_clear()
    clusters.kubernetes_streams.cache_clear()


@pytest.fixture(autouse=True)
def _a_worker_that_only_the_test_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeups, "wake", lambda _pool: True)
    monkeypatch.setattr(decide, "ABSENCE_PROOF", timedelta(0))
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.1)


@asynccontextmanager
async def agent() -> AsyncIterator[None]:
    lanes = Lanes()
    task = asyncio.create_task(Roster((), lanes).keep_for_ever())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        lanes.close()


async def until(condition: Callable[[], Any]) -> Any:
    async with asyncio.timeout(PATIENCE):
        while not (found := await sync_to_async(condition)()):
            await asyncio.sleep(0.02)
    return found


def go(pool: ResourcePool, *statuses: str) -> Job | None:
    """One pass over everything, whenever it is due; the job when it has got there."""
    Job.objects.exclude(next_check_at=None).update(next_check_at=timezone.now(), lease_until=None)
    loop.reconcile(pool)
    return Job.objects.filter(status__in=statuses).first()


async def test_a_job_that_is_deleted_as_it_fails_ends_as_it_failed(
    pool: ResourcePool, bob: User, queue: Queue, server: ApiServer
) -> None:
    """R8: nobody but the agent saw its exit code."""
    await sync_to_async(submit)(bob)
    async with agent():
        job = await until(lambda: go(pool, "Running"))
        before = (await sync_to_async(Job.objects.get)()).hints
        server.finish_pods(exit_code=3)
        await until(lambda: Job.objects.get().hints > before)
        server.delete_job(f"{job.public_id}-1")
        kept = await until(lambda: Pod.objects.filter(exit_code=3).first())
        assert (kept.phase, kept.reason) == ("Failed", "Error")
        ended = await until(lambda: go(pool, "Failed"))
    assert (ended.status_reason, ended.status_params["exitCode"]) == ("CommandFailed", 3)


async def test_the_clusters_events_are_kept_under_the_platforms_names(
    pool: ResourcePool, bob: User, queue: Queue, server: ApiServer
) -> None:
    await sync_to_async(submit)(bob)
    async with agent():
        job = await until(lambda: go(pool, "Running"))
        stored = Event.objects.filter(job=job).exclude(source=Event.PLATFORM)
        scheduled = await until(lambda: stored.filter(reason="Scheduled").first())
        assert scheduled.pod_name == f"{job.public_id}-1-0"
        created = await until(lambda: stored.filter(reason="SuccessfulCreate").first())
        assert (created.pod_name, created.attempt) == ("", 1)


async def test_an_agent_that_starts_again_hints_only_what_differs(
    pool: ResourcePool, bob: User, queue: Queue, server: ApiServer
) -> None:
    await sync_to_async(submit)(bob)
    job = await until(lambda: go(pool, "Running"))
    watched = ResourcePool.objects.filter(watched_at__isnull=False)
    async with agent():
        await until(watched.exists)
        await until(lambda: Event.objects.filter(job=job, reason="SuccessfulCreate").exists())
    await sync_to_async(job.refresh_from_db)()
    assert job.hints == 0
    clusters.kubernetes_streams.cache_clear()  # as in another process
    server.finish_pods(exit_code=0)
    async with agent():
        await until(lambda: Job.objects.get().hints > 0)
