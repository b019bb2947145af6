"""The synchronous half of the port on Kubernetes. Holds no state but connections: what is true is asked each time."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from typing import ParamSpec, TypeVar

from jobs import quantities
from jobs.cluster.base import AttemptSpec, Capacity, ObjectRef, Observation
from jobs.cluster.errors import ClusterError, NotFound, Unavailable
from jobs.cluster.kubernetes import creation, inventory, observation, removal
from jobs.cluster.kubernetes.client import JOBS, METADATA, Client
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.kueue import Workloads

NOBODY = "jobs-platform-heartbeat"  # a name that no Job has
P = ParamSpec("P")
R = TypeVar("R")


def or_unavailable(method: Callable[P, R]) -> Callable[P, R]:
    """For methods that no refusal makes final, such as a right that is missing for now."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except Unavailable:
            raise
        except ClusterError as exc:
            raise Unavailable(str(exc)) from exc

    return call


class KubernetesCluster:
    """jobs.cluster.base.Cluster. Nothing is asked of the cluster, and no kubeconfig read, before a method is called."""

    concurrency = 8  # of the connections that a client keeps (connection.MOST_CONNECTIONS)

    def __init__(self, access: Access) -> None:
        self.options = access.options
        self.client = Client(access)
        self.workloads = Workloads(self.client) if access.options.kueue_queue else None

    def create_attempt(self, spec: AttemptSpec) -> ObjectRef:
        return creation.create(self.client, self.options, spec)

    def observe(self, refs: Sequence[ObjectRef]) -> Mapping[ObjectRef, Observation]:
        return observation.observe(self.client, self.workloads, refs)

    @or_unavailable
    def delete_attempt(self, ref: ObjectRef, *, grace_seconds: float) -> None:
        removal.delete(self.client, ref, grace_seconds)

    @or_unavailable
    def forget_attempt(self, ref: ObjectRef) -> None:
        removal.forget(self.client, ref)

    @or_unavailable
    def list_attempts(self) -> Sequence[ObjectRef]:
        return inventory.attempts(self.client)

    @or_unavailable
    def capacity(self) -> Capacity:
        """What the pool's options say, once the API server has answered with the pool's credentials."""
        with suppress(NotFound):  # which is an answer, and costs the API server less than any list
            self.client.get(JOBS, NOBODY, accept=METADATA)
        return Capacity(
            cpu_millis=quantities.cpu_millis(self.options.cpu) if self.options.cpu else None,
            memory_bytes=quantities.memory_bytes(self.options.memory) if self.options.memory else None,
            gpus=self.options.gpus,
        )
