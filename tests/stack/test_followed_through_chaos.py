"""Whatever is killed, rotated or dropped: each line that a job prints is in the store and reaches each follower, once
and in order; only a rotation of the cluster's log may cost a line, and then the log says so.

Jobs print on the local pool and on a cluster while processes of the platform are killed at random, logs roll and
rotate, and followers of every kind lose their connection again and again. CHAOS_SEEDS="7 8 9" repeats what failed.
"""

import os
import random
import re
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.store import LogKey
from tests.kube.server import ApiServer
from tests.processes import wait_until
from tests.stack.actions import Api
from tests.stack.log_followers import EventsFollower, Follower, SocketFollower, TextFollower
from tests.stack.stack import Stack
from tests.stack.test_kubernetes import manage

POOL = "cluster"
# By chance, but the same in every process that runs a part of the tests.
CHANCE = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID"))
SEEDS = os.environ.get("CHAOS_SEEDS", "").split() or ["1", str(CHANCE.randrange(10**6))]
# Each of these befalls every run, in an order of its own, and two of them once more.
BLOWS = ("web", "agent", "worker", "redis", "rotation")
SECONDS = 60.0
SEGMENT_BYTES = 16 << 10
# Lines of all lengths, in bursts, some of them in two writes; until the file is there.
PRINTER = """
import os, random, sys, time
chooser, stop, number = random.Random(sys.argv[1]), sys.argv[2], 0
deadline = time.monotonic() + 120
while not os.path.exists(stop) and time.monotonic() < deadline:
    for _ in range(chooser.choice([1, 1, 5, 40])):
        line = f"line {number} {'x' * chooser.choice([0, 20, 20, 300])}\\n"
        cut = chooser.randrange(len(line)) if chooser.random() < 0.1 else len(line)
        os.write(1, line[:cut].encode())
        if cut < len(line):
            time.sleep(0.002)
            os.write(1, line[cut:].encode())
        number += 1
    time.sleep(chooser.choice([0.001, 0.01, 0.1]))
print("printed", number, flush=True)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


@pytest.fixture(scope="module")
def platform(cluster: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Small segments, so that logs roll many times, and a pool on the cluster."""
    data_dir = tmp_path_factory.mktemp("chaos") / "data"
    (data_dir / "kubeconfigs").mkdir(parents=True)
    cluster.kubeconfig(data_dir / "kubeconfigs" / "cluster.yaml")
    stack = Stack(data_dir, environment={"LOG_SEGMENT_BYTES": str(SEGMENT_BYTES)})
    try:
        stack.start()
        manage(stack, "add_pool", POOL, "--kubeconfig", "cluster.yaml", "--namespace", cluster.namespace)
        wait_until(lambda: stack.readiness()["pools"][POOL]["status"] == "ready", 30.0, "the watch of the cluster")
        yield stack
    finally:
        stack.close()


def strike(platform: Stack, cluster: ApiServer, job_id: str, what: str, chooser: random.Random) -> str:
    """One blow; what it was. A service is struck again only when it is back."""
    if what == "rotation":
        pods = [pod for pod in cluster.list("pods") if pod["metadata"]["labels"]["jobs-platform/job-id"] == job_id]
        for pod in pods:
            container = cluster.kubelet.container(pod["metadata"]["uid"], "main")
            if container is not None:
                cluster.call(container.log.rotate)
        return what
    number = chooser.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
    platform.kill(what, number)
    return f"{what} {number.name}"


def stored(platform: Stack, job_id: str) -> str:
    with_log = FilesystemLogStore(platform.data_dir / "logs").open(LogKey(job_id, 1, 0))
    try:
        return with_log.read(0, with_log.size()).decode("ascii")
    finally:
        with_log.close()


def check_each_line_is_there_once(text: str, *, may_rotate: bool) -> None:
    """`line 0`, `line 1` and so on to what `printed` says; where lines are missing, a line says so."""
    expected, told = 0, False
    *lines, last, rest = text.split("\n")
    assert rest == ""
    for line in lines:
        if line.startswith("[platform] "):
            assert may_rotate, line
            told = True
            continue
        match = re.fullmatch(r"line (\d+) x*", line)
        if match is None:
            assert told, f"{line!r} is no line"  # the rest of one whose beginning was rotated away
            continue
        number = int(match[1])
        assert number == expected or (told and number > expected), f"{number} in place of {expected}"
        expected, told = number + 1, False
    printed = int(last.removeprefix("printed "))
    assert printed == expected or (told and printed > expected), f"{printed} in place of {expected}"


@pytest.mark.parametrize("seed", SEEDS)
def test_every_line_once_and_in_order(platform: Stack, cluster: ApiServer, tmp_path: Path, seed: str) -> None:
    chooser, stop = random.Random(seed), tmp_path / "stop"
    api = Api.of(platform)
    command = [sys.executable, "-I", "-S", "-c", PRINTER, seed, str(stop)]
    jobs = {pool: api.create(command, resourcePoolId=pool) for pool in ("local", POOL)}
    followers = [
        kind(platform, api.client.token, f"/api/jobs/{job_id}/pods/{job_id}-1-0/logs", seed)
        for kind in (TextFollower, EventsFollower, SocketFollower)
        for job_id in jobs.values()
    ]
    for follower in followers:
        follower.start()
    try:
        for job_id in jobs.values():  # a rotation before anything was read leaves no trace
            api.until(lambda job_id=job_id: api.logs(f"{job_id}-1-0"), "a first line", SECONDS)
        blows = beat(platform, cluster, jobs[POOL], chooser)
    finally:
        stop.touch()
    try:
        wait_until(lambda: all(f.status or f.failure for f in followers), SECONDS, "the end of each stream")
    finally:
        for follower in followers:
            follower.given_up.set()
    explain = f"seed {seed}: {', '.join(blows)}"
    assert not [f.failure for f in followers if f.failure], explain
    for pool, job_id in jobs.items():
        text = stored(platform, job_id)
        check_each_line_is_there_once(text, may_rotate=pool == POOL)
        check_followers(text, [f for f in followers if job_id in f.path])
    assert len(list((platform.data_dir / "logs" / jobs["local"]).rglob("main.*"))) > 2  # it rolled


def beat(platform: Stack, cluster: ApiServer, job_id: str, chooser: random.Random) -> list[str]:
    blows = []
    for what in chooser.sample([*BLOWS, *chooser.choices(BLOWS, k=2)], len(BLOWS) + 2):
        time.sleep(chooser.uniform(0.1, 1.0))
        blows.append(strike(platform, cluster, job_id, what, chooser))
    return blows


def check_followers(text: str, followers: Sequence[Follower]) -> None:
    for follower in followers:
        assert follower.text == text, follower.name
        assert follower.status == ("ended" if isinstance(follower, TextFollower) else "Succeeded")
        assert follower.connections > 1
