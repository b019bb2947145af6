"""What following a log asks the API server: for the pod, and for its log."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from enum import Enum
from functools import lru_cache
from urllib.parse import quote

from jobs.cluster.base import ObjectRef, PodPhase, PodRef
from jobs.cluster.errors import NotFound
from jobs.cluster.kubernetes import labels, wire
from jobs.cluster.kubernetes.aclient import AsyncClient
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.pod_states import state_of
from jobs.logs.format import CONTAINER


class Life(Enum):
    """Of a pod's container."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"
    NEVER_RAN = "never ran"  # and never will


class LogSource:
    """One pod's. The pod of that uid and no other: its name is found by its labels."""

    def __init__(self, client: AsyncClient, pod: PodRef) -> None:
        self.client = client
        self.pod = pod
        self.name = ""

    async def life(self) -> Life:
        """As the API server knows it now, up to a second late. Raises NotFound when the pod is gone, Unavailable."""
        body = await self.client.get(self.path(), [("labelSelector", self.selector())])
        for pod in wire.decode(body, wire.List[wire.Pod]).items:
            if pod.metadata.uid == self.pod.uid:
                self.name = pod.metadata.name
                return life_of(pod)
        raise NotFound(f"there is no pod {self.pod.name} with uid {self.pod.uid}")

    def log(self, since: str | None, read_seconds: float) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        query = [("container", CONTAINER), ("follow", "true"), ("timestamps", "true")]
        if since:
            query.append(("sinceTime", since))
        return self.client.stream(f"{self.path()}/{quote(self.name, safe='')}/log", query, read_seconds=read_seconds)

    def path(self) -> str:
        return f"/api/v1/namespaces/{quote(namespace(self.client.access, self.client.access.stamp()), safe='')}/pods"

    def selector(self) -> str:
        attempt = labels.labels_of(ObjectRef(self.pod.job_id, self.pod.attempt))
        wanted = {**attempt, labels.REPLICA: str(self.pod.replica)}
        return ",".join(f"{key}={value}" for key, value in wanted.items())


@lru_cache(maxsize=64)
def namespace(access: Access, _stamp: float) -> str:
    """Read once for each state of the kubeconfig: thousands of logs are followed."""
    return access.namespace()


def life_of(pod: wire.Pod) -> Life:
    state = state_of(pod)
    if state.terminated:
        return Life.ENDED
    if pod.status.phase in (PodPhase.SUCCEEDED, PodPhase.FAILED):
        return Life.ENDED if state.running else Life.NEVER_RAN
    return Life.RUNNING if state.running else Life.WAITING
