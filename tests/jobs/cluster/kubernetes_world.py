"""A Kubernetes cluster for the contract's tests: the double, or a real one.

CLUSTER_KUBECONFIG   a kubeconfig's path; its directory and its name become the pool's
CLUSTER_CONTEXT      a context in it; without one, its current one
CLUSTER_NAMESPACE    where everything is made; without one, the context's
CLUSTER_IMAGE        with /bin/sh, echo, true, test and sleep; busybox
CLUSTER_PATIENCE     seconds for what a test waits for, the pull of the image included; 180
"""

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from jobs.cluster.base import Absent, AttemptSnapshot, AttemptSpec, ClusterStreams, ObjectRef
from jobs.cluster.errors import ClusterError
from jobs.cluster.kubernetes import wire
from jobs.cluster.kubernetes.client import METADATA_LIST, PODS, SECRETS, SERVICES
from jobs.cluster.kubernetes.cluster import KubernetesCluster
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.labels import REPLICA
from jobs.cluster.kubernetes.lists import listed
from jobs.cluster.kubernetes.options import PoolOptions
from jobs.cluster.kubernetes.removal import of_attempt
from jobs.cluster.kubernetes.streams import KubernetesStreams
from jobs.logs.format import CONTAINER
from tests.jobs.cluster.kubernetes.rights import ROLE
from tests.jobs.cluster.worlds import World
from tests.kube import ApiServer


class Remembering(KubernetesCluster):
    """Knows what it was asked to make, also where the answer was lost."""

    def __init__(self, access: Access, image: str) -> None:
        super().__init__(access)
        self.image = image
        self.asked: set[ObjectRef] = set()

    def create_attempt(self, spec: AttemptSpec) -> ObjectRef:
        self.asked.add(spec.ref)
        return super().create_attempt(replace(spec, image=self.image))


class KubernetesWorld(World):
    cluster: Remembering

    def __init__(self, access: Access, image: str, *, patience: float, pause: float) -> None:
        self.access = access
        self.cluster = Remembering(access, image)
        self.patience, self.pause = patience, pause
        self.stored: dict[tuple[ObjectRef, int], bytes] = {}

    def streams(self) -> KubernetesStreams:
        return KubernetesStreams(self.access)

    async def close_streams(self, streams: ClusterStreams) -> None:
        assert isinstance(streams, KubernetesStreams)
        await streams.client.aclose()

    def dying_by(self, signal: str) -> tuple[str, ...]:
        """A container's first process is not ended by the signals of its own."""
        return "/bin/sh", "-c", f"/bin/sh -c 'kill -{signal} $$'; exit $?"

    def output(self, ref: ObjectRef, replica: int = 0) -> bytes:
        plain = replace(ref, uid="")
        return self.stored[plain, replica] if (plain, replica) in self.stored else self.log(ref, replica)

    def over(self, ref: ObjectRef) -> AttemptSnapshot:
        """The logs go with the pods: whoever forgets an attempt has stored them before."""
        snapshot = super().over(ref)
        for replica in range(snapshot.replicas):
            self.stored[replace(ref, uid=""), replica] = self.log(ref, replica)
        return snapshot

    def log(self, ref: ObjectRef, replica: int) -> bytes:
        """Empty while there is none (400 before the container starts)."""
        client = self.cluster.client
        found = listed(client, PODS, wire.Object, f"{of_attempt(ref)},{REPLICA}={replica}", accept=METADATA_LIST).items
        for pod in found:
            path = f"/api/v1/namespaces/{client.connected().namespace}/pods/{pod.metadata.name}/log"
            with suppress(ClusterError):
                return client.ask("GET", path, query=[("container", CONTAINER)], accept="*/*")
        return b""

    def end_all(self) -> None:
        """Nothing of a test outlives it: no Job, no pod, no Secret, no Service. All are asked to end before any is
        waited for, so that one that does not go leaves no others behind."""
        for ref in self.cluster.asked:
            self.removed(ref)
        for ref in self.cluster.asked:
            self.eventually(lambda ref=ref: self.removed(ref), f"the removal of {ref.name}")  # type: ignore[misc]

    def removed(self, ref: ObjectRef) -> bool:
        try:
            self.cluster.delete_attempt(ref, grace_seconds=1)
            self.cluster.forget_attempt(ref)
            return self.cluster.observe([ref]) == {ref: Absent()} and not self.left(ref)
        except ClusterError:
            return False

    def left(self, ref: ObjectRef) -> bool:
        kinds = (PODS, SECRETS, SERVICES)
        return any(listed(self.cluster.client, kind, wire.Object, of_attempt(ref)).items for kind in kinds)


def double_world(server: ApiServer, directory: Path) -> KubernetesWorld:
    """With the rights of the Role that pools are set up with, and no more."""
    path = server.kubeconfig(directory / "double.yaml", token=server.add_token(rules=ROLE))
    access = Access(PoolOptions(kubeconfig=path.name), directory, connect_seconds=5, read_seconds=20)
    return KubernetesWorld(access, "python:3.12", patience=30, pause=0.01)


def real_world() -> KubernetesWorld:
    path = Path(os.environ["CLUSTER_KUBECONFIG"]).expanduser().absolute()
    options = PoolOptions(
        kubeconfig=path.name,
        context=os.environ.get("CLUSTER_CONTEXT", ""),
        namespace=os.environ.get("CLUSTER_NAMESPACE", ""),
    )
    access = Access(options, path.parent, connect_seconds=10, read_seconds=30)
    image = os.environ.get("CLUSTER_IMAGE", "busybox")
    return KubernetesWorld(access, image, patience=float(os.environ.get("CLUSTER_PATIENCE", "180")), pause=0.2)
