"""A terminal's place beside a real pod of the local pool."""

import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.cluster.base import AttemptSpec, ObjectRef, PodRef, Present
from jobs.cluster.errors import NotFound
from jobs.cluster.local import pod_process, state
from jobs.cluster.local.cluster import LocalCluster
from jobs.cluster.local.streams import LocalStreams

SPEC = AttemptSpec(
    ref=ObjectRef("job-0000000000000000", 1),
    image="none",
    command=("/bin/sh", "-c", "cd / && exec sleep 600"),
    envs=(("PLAIN", "训练"), ("EMPTY", ""), ("HOME", "/nowhere")),  # no start-up files of whoever runs the tests
    secret_envs=(("TOKEN", "canary"),),
    spec_hash="h",
)


class World:
    def __init__(self, directory: Path) -> None:
        self.pool_dir = directory / "pool"
        self.work_dir = directory / "work"
        hint_socket = directory / "hints.sock"
        self.cluster = LocalCluster(
            pool_dir=self.pool_dir, log_dir=directory / "logs", work_dir=self.work_dir, hint_socket=hint_socket
        )
        self.streams = LocalStreams(pool_dir=self.pool_dir, hint_socket=hint_socket)
        self.ref = self.cluster.create_attempt(SPEC)
        self.pod = PodRef(SPEC.ref.job_id, 1, 0, self.wait(running=True))

    def wait(self, *, running: bool) -> str:
        """The uid of the pod once it runs, or is over."""
        deadline = time.monotonic() + 20
        while True:
            observation = self.cluster.observe([self.ref])[self.ref]
            assert isinstance(observation, Present)
            pod = observation.snapshot.pods[0]
            if pod.is_over if not running else pod.phase == "Running":
                return pod.ref.uid
            assert time.monotonic() < deadline, pod
            time.sleep(0.01)

    def end(self) -> None:
        self.cluster.delete_attempt(self.ref, grace_seconds=0)
        self.wait(running=False)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    yield world
    world.end()


async def test_it_has_the_pod_s_environment_directory_and_cpus(world: World) -> None:
    process = pod_process.find(world.pool_dir, world.pod)
    os.close(process.pidfd)
    assert process.env["PLAIN"] == "训练"
    assert process.env["EMPTY"] == ""
    assert process.env["TOKEN"] == "canary"
    assert process.env["POD_NAME"] == world.pod.name
    assert process.cwd == str(world.work_dir / world.pod.job_id)
    running = state.running_pod(world.pool_dir, world.pod)
    assert running
    assert process.cpus == os.sched_getaffinity(running.pid)
    assert "canary" not in repr(process)


async def test_a_shell_through_the_port(world: World) -> None:
    session = await world.streams.open_exec(world.pod, command=(), env={"EXTRA": "1"}, cols=80, rows=24)
    await session.write(b"echo $TOKEN-$EXTRA-$JOB_ID; exit 4\n")
    shown = b""
    while data := await session.read():
        shown += data
    assert f"canary-1-{world.pod.job_id}".encode() in shown
    assert await session.wait() == 4
    await session.aclose()


async def test_the_pod_s_end_is_told(world: World) -> None:
    session = await world.streams.open_exec(world.pod, command=(), env={}, cols=80, rows=24)
    world.end()
    with pytest.raises(NotFound):
        await session.wait()
    await session.aclose()


async def test_any_other_pod_is_not_found(world: World) -> None:
    others = [
        replace(world.pod, uid="another"),
        replace(world.pod, attempt=2),
        replace(world.pod, replica=1),
        replace(world.pod, job_id="job-1111111111111111"),
    ]
    for other in others:
        with pytest.raises(NotFound):
            await world.streams.open_exec(other, command=(), env={}, cols=80, rows=24)


async def test_a_pod_that_ended_is_not_found(world: World) -> None:
    world.end()
    with pytest.raises(NotFound):
        await world.streams.open_exec(world.pod, command=(), env={}, cols=80, rows=24)


async def test_a_pid_given_to_another_process_is_not_the_pod(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    running = state.running_pod(world.pool_dir, world.pod)
    assert running
    stranger = replace(running, pid=os.getpid())
    monkeypatch.setattr(state, "running_pod", lambda pool_dir, pod: stranger)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with pytest.raises(NotFound):
        pod_process.find(world.pool_dir, world.pod)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


async def test_a_process_that_hides_its_environment_still_gives_a_place(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_process, "read_environment", lambda pid: {"a title": "x"})
    process = pod_process.find(world.pool_dir, world.pod)
    os.close(process.pidfd)
    assert process.env["JOB_ID"] == world.pod.job_id
    assert "TOKEN" not in process.env
