"""A watch on the double, and what it told."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

from jobs.cluster.base import Hint, ObjectRef, PodPhase
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.labels import labels_of
from jobs.cluster.kubernetes.options import PoolOptions
from jobs.cluster.kubernetes.pace import Timing
from jobs.cluster.kubernetes.streams import KubernetesStreams
from jobs.identifiers import new_job_id
from tests.kube import ApiServer, manifests

PATIENCE = 20.0
BRISK = Timing(
    list_apart=0.8, list_apart_most=1.6, healthy=2.0, watch=2.0, margin=0.5, short=0.2, pause=0.02, pause_most=0.2
)
KUBECONFIG = "pool.yaml"


class Watching:
    def __init__(self, server: ApiServer, directory: Path, timing: Timing) -> None:
        options = PoolOptions(kubeconfig=KUBECONFIG)
        access = Access(options, directory, connect_seconds=2.0, read_seconds=2.0)
        self.server = server
        self.timing = timing
        self.streams = KubernetesStreams(access, timing)
        self.hints: list[Hint] = []
        self.since = time.time()

    async def run(self) -> None:
        async for hint in self.streams.watch():
            self.hints.append(hint)

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.01)

    async def begun(self) -> None:
        """Every resource was listed, and is watched since."""
        await self.until(lambda: all(self.server.requests.all(verb="watch", resource=name) for name in RESOURCES))

    async def told(self, job_id: str, phase: PodPhase, *, gone: bool = False) -> Hint:
        def found() -> list[Hint]:
            of_pod = [hint for hint in self.hints if hint.job_id == job_id and hint.pod]
            return [hint for hint in of_pod if hint.pod and (hint.pod.phase, hint.gone) == (phase, gone)]

        await self.until(found)
        return found()[-1]

    async def retried(self, resource: str, times: int = 3, verb: str = "watch") -> None:
        """It has been asked for that many times more."""
        before = len(self.server.requests.all(verb=verb, resource=resource))
        await self.until(lambda: len(self.server.requests.all(verb=verb, resource=resource)) >= before + times)

    def gone(self) -> list[Hint]:
        return [hint for hint in self.hints if hint.gone]

    def lists(self, resource: str) -> int:
        return len(self.server.requests.full_lists(resource, since=self.since))

    def assert_lists_apart(self) -> None:
        """What holds whatever happens. The server's clock starts later than the watch's."""
        for resource in RESOURCES:
            times = [one.at for one in self.server.requests.full_lists(resource, since=self.since)]
            gaps = [later - earlier for earlier, later in pairwise(times)]
            assert min(gaps, default=math.inf) >= 0.9 * self.timing.list_apart


RESOURCES = ("jobs", "pods", "events")


@asynccontextmanager
async def watching(server: ApiServer, directory: Path, timing: Timing = BRISK) -> AsyncIterator[Watching]:
    if not (directory / KUBECONFIG).exists():
        server.kubeconfig(directory / KUBECONFIG)
    made = Watching(server, directory, timing)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await made.streams.aclose()
        made.assert_lists_apart()


def create(server: ApiServer, *, pods: int = 1) -> str:
    """A Job of ours; its id."""
    ref = ObjectRef(new_job_id(), 1)
    server.create("jobs", manifests.job(ref.name, pods=pods, labels=labels_of(ref)))
    return ref.job_id
