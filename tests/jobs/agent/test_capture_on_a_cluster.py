"""The agent's capture against a cluster whose pods run: killed, cut off, rotated away from, and many at once."""

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import pytest
from django.utils import timezone

from accounts.models import User
from jobs import wakeups
from jobs.agent.capture import Capture, Pace
from jobs.agent.lanes import Lane, Lanes, connected
from jobs.agent.roster import works_of
from jobs.cluster.base import ObjectRef, PodRef, Present
from jobs.cluster.kubernetes.cluster import KubernetesCluster
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.options import PoolOptions
from jobs.cluster.kubernetes.streams import KubernetesStreams
from jobs.clusters import streams_for
from jobs.logs.captured import GAP
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.store import LogKey, LogNotFound
from jobs.models import Attempt, Job, Pod, Queue, ResourcePool
from jobs.reconcile.loop import reconcile
from tests.jobs.cluster.worlds import eventually, spec
from tests.jobs.conftest import submit
from tests.kube import ApiServer
from tests.kube.kubelet import Timing as NodeTiming
from tests.kube.nodes import NodeSpec

pytestmark = pytest.mark.django_db(transaction=True)
ON_AND_ON = """
import pathlib, sys, time
n = 0
while not pathlib.Path(sys.argv[1]).exists():
    print("line", n, flush=True)
    n += 1
    time.sleep(0.004)
print("over", n, flush=True)
"""
UNTIL_TERM = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("bye", flush=True), os._exit(0)))
n = 0
while True:
    print("line", n, flush=True)
    n += 1
    time.sleep(0.01)
    if os.environ["JOB_COMPLETION_INDEX"] == "0" and n == 50:
        sys.exit(3)
"""


class World:
    def __init__(self, server: ApiServer, root: Path) -> None:
        self.server = server
        self.root = root
        self.kubeconfig = server.kubeconfig(root / "pool.yaml")
        options = PoolOptions(kubeconfig=self.kubeconfig.name)
        self.access = Access(options, root, connect_seconds=2.0, read_seconds=10.0)
        self.cluster = KubernetesCluster(self.access)
        self.store = FilesystemLogStore(root / "logs")

    def pods(self, ref: ObjectRef, count: int) -> list[PodRef]:
        """Once all of them run."""

        def look() -> list[PodRef] | None:
            seen = self.cluster.observe([ref])[ref]
            pods = [pod.ref for pod in seen.snapshot.pods if pod.ref.uid] if isinstance(seen, Present) else []
            return pods if len(pods) == count else None

        return eventually(look, "the pods", patience=60)

    def rotate(self, pod: PodRef) -> None:
        self.server.call(self.server.plane.kubelet.container(pod.uid, "main").log.rotate)

    def text(self, job_id: str, replica: int = 0) -> bytes:
        try:
            with closing(self.store.open(LogKey(job_id, 1, replica))) as log:
                return log.read(0, log.size())
        except LogNotFound:
            return b""

    def is_complete(self, job_id: str, replica: int = 0) -> bool:
        with closing(self.store.open(LogKey(job_id, 1, replica))) as log:
            return log.is_complete()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    node = NodeSpec(cpu="1000", memory="1000Gi", pods="1000")
    with ApiServer(node=node, on_node=NodeTiming(follow_end=0.02)) as server:
        yield World(server, tmp_path)


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeups, "wake", lambda _pool: True)


class Capturer:
    """An agent that can be killed and started again in no time."""

    def __init__(self, world: World, pod: PodRef) -> None:
        self.given = {"kubeconfig": str(world.kubeconfig), "store": str(world.store.root), "pod": asdict(pod)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.jobs.agent.capturer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = 0

    def start(self) -> None:
        source, target = self.process.stdout, self.process.stdin
        assert source is not None
        assert target is not None
        self.say(target)
        self.pid = int(source.readline())

    def say(self, target: IO[str]) -> None:
        target.write(f"{json.dumps(self.given)}\n")
        target.flush()

    def kill(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            self.pid = 0

    def close(self) -> None:
        self.kill()
        self.process.kill()
        self.process.communicate()


@pytest.mark.parametrize("rotates", [False, True])
def test_a_capture_that_is_killed_again_and_again_keeps_every_line_once(world: World, rotates: bool) -> None:
    stop = world.root / "stop"
    made = spec(sys.executable, "-c", ON_AND_ON, str(stop))
    ref = world.cluster.create_attempt(made)
    pod = world.pods(ref, 1)[0]
    chance = random.Random(7)
    with closing(Capturer(world, pod)) as capturer:
        for number in range(8):
            capturer.start()
            grown = len(world.text(ref.job_id)) + chance.randrange(1, 3000)
            eventually(lambda grown=grown: len(world.text(ref.job_id)) >= grown, "more lines")  # type: ignore[misc]
            if number % 3 == 1:
                world.server.close_connections()
            capturer.kill()
            if rotates:
                world.rotate(pod)
        capturer.start()
        stop.touch()
        eventually(lambda: world.is_complete(ref.job_id), "the end of the log")
    check_lines(world.text(ref.job_id), gaps=rotates)


def check_lines(text: bytes, *, gaps: bool) -> None:
    """Every line once and in order, and a marker wherever one is missing. What was rotated away before anything was
    stored cannot be known of."""
    following: int | None = None if gaps else 0
    for line in text.decode().removesuffix("\n").split("\n"):
        if line == f"[platform] {GAP}":
            assert gaps
            following = None
            continue
        match = re.fullmatch(r"(line|over) (\d+)", line)
        if match is None and following is None:
            continue  # the rest of a line whose beginning is gone
        assert match is not None, line
        assert int(match[2]) == following or following is None, line
        following = int(match[2]) + 1
    assert match is not None
    assert match[1] == "over"


@asynccontextmanager
async def agent(world: World, pool: ResourcePool, pace: Pace | None = None) -> AsyncIterator[Capture]:
    streams, lane = KubernetesStreams(world.access), Lane("test")
    capture = Capture(pool, streams, lane, store=world.store, pace=pace or Pace(look=0.5, unknown=0.05))

    async def forward() -> None:
        async for hint in streams.watch():
            capture.see(hint)

    tasks = [asyncio.create_task(forward()), asyncio.create_task(capture.run())]
    try:
        yield capture
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await streams.client.aclose()
        lane.close()


@pytest.fixture
def pool(db: None) -> ResourcePool:
    return ResourcePool.objects.create(name="gpu", kind=ResourcePool.KUBERNETES, is_default=True)


def submitted(bob: User, replicas: int) -> Job:
    job = submit(bob, replicas=replicas)
    attempt = Attempt.objects.create(job=job, number=1, launched_at=timezone.now())
    Pod.objects.bulk_create(
        Pod(job=job, attempt=attempt, replica=replica, name=f"{job.public_id}-1-{replica}")
        for replica in range(replicas)
    )
    Job.objects.filter(pk=job.pk).update(status="Running", attempt_number=1)
    return job


def recorded(pods: list[PodRef]) -> None:
    """As the worker does when it sees them."""
    for pod in pods:
        Pod.objects.filter(name=pod.name).update(uid=pod.uid, phase="Running")


async def stored(job: Job) -> None:
    def look() -> bool:
        return not Pod.objects.filter(job=job, log_stored_at=None).exists()

    async with asyncio.timeout(90):
        while not await asyncio.to_thread(connected, look):
            await asyncio.sleep(0.02)


async def test_when_a_job_fails_the_logs_of_its_other_pods_are_ours(
    world: World, pool: ResourcePool, queue: Queue, bob: User
) -> None:
    job = await asyncio.to_thread(connected, submitted, bob, 3)
    async with agent(world, pool):
        made = spec(sys.executable, "-c", UNTIL_TERM, job_id=job.public_id, replicas=3)
        ref = await asyncio.to_thread(world.cluster.create_attempt, made)
        pods = await asyncio.to_thread(world.pods, ref, 3)
        await asyncio.to_thread(connected, recorded, pods)
        await stored(job)
    for replica in range(3):
        assert world.is_complete(job.public_id, replica)
        lines = world.text(job.public_id, replica).decode().splitlines()
        last = [] if replica == 0 else ["bye"]
        assert lines == [f"line {number}" for number in range(len(lines) - len(last))] + last
        assert len(lines) > 10


async def test_a_pod_deleted_by_force_while_it_prints_leaves_whole_lines(
    world: World, pool: ResourcePool, queue: Queue, bob: User
) -> None:
    job = await asyncio.to_thread(connected, submitted, bob, 1)
    async with agent(world, pool):
        made = spec(sys.executable, "-c", ON_AND_ON, "/nonexistent", job_id=job.public_id)
        ref = await asyncio.to_thread(world.cluster.create_attempt, made)
        pods = await asyncio.to_thread(world.pods, ref, 1)
        await asyncio.to_thread(connected, recorded, pods)
        async with asyncio.timeout(30):
            while b"line 20\n" not in world.text(job.public_id):
                await asyncio.sleep(0.01)
        name = world.server.list("pods")[0]["metadata"]["name"]
        await asyncio.to_thread(world.server.delete_pod, name, grace_seconds=0)
        await stored(job)
    lines = world.text(job.public_id).decode().splitlines()
    if lines[-1] == f"[platform] {GAP}":
        lines.pop()
    assert lines == [f"line {number}" for number in range(len(lines))]
    assert world.is_complete(job.public_id)


async def test_two_hundred_pods_at_once(world: World, pool: ResourcePool, queue: Queue, bob: User) -> None:
    count = 200
    job = await asyncio.to_thread(connected, submitted, bob, count)
    script = 'for n in 1 2 3 4 5; do echo "$JOB_COMPLETION_INDEX $n"; sleep 0.3; done'
    async with agent(world, pool):
        made = spec("/bin/sh", "-c", script, job_id=job.public_id, replicas=count)
        ref = await asyncio.to_thread(world.cluster.create_attempt, made)
        pods = await asyncio.to_thread(world.pods, ref, count)
        await asyncio.to_thread(connected, recorded, pods)
        await stored(job)
    for replica in range(count):
        assert world.text(job.public_id, replica).decode() == "".join(f"{replica} {n}\n" for n in range(1, 6))


async def test_a_job_is_removed_from_its_cluster_when_its_logs_are_stored(
    world: World, bob: User, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """From the create to the end, without a worker: the agent stands in for it."""
    monkeypatch.setattr(wakeups, "wake", lambda _pool: False)
    settings.KUBECONFIG_DIR, settings.LOG_DIR = world.root, world.store.root
    kubeconfig = world.kubeconfig.rename(world.root / f"{world.root.name}.yaml").name

    def make() -> tuple[ResourcePool, Job]:
        options = {"kubeconfig": kubeconfig}
        pool = ResourcePool.objects.create(name="gpu", kind="kubernetes", is_default=True, options=options)
        Queue.objects.create(pool=pool, name="default", is_default=True)
        return pool, submit(bob, replicas=2, command=["/bin/sh", "-c", "echo hello from $RANK; sleep 0.3; echo bye"])

    pool, job = await asyncio.to_thread(connected, make)
    lanes = Lanes()
    tasks = [asyncio.create_task(work) for work in works_of(pool, streams_for(pool), lanes.of(pool.pk))]

    def is_done() -> bool:
        reconcile(pool)
        job.refresh_from_db()
        return job.status == "Succeeded" and job.next_check_at is None

    try:
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(connected, is_done):
                await asyncio.sleep(0.1)
                assert world.server.list("jobs") or not await asyncio.to_thread(connected, unstored, job)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        lanes.close()
    assert not await asyncio.to_thread(connected, unstored, job)
    assert world.server.list("jobs") == []
    for replica in range(2):
        assert world.text(job.public_id, replica).decode() == f"hello from {replica}\nbye\n"


def unstored(job: Job) -> bool:
    return Pod.objects.filter(job=job, log_stored_at=None).exclude(uid="").exists()
