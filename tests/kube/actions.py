"""What other people and the cluster itself do behind the platform's back. For the server's event loop alone."""

from collections.abc import Iterable
from typing import Any

from tests.kube import nodes
from tests.kube.deletion import Deletion
from tests.kube.errors import ApiError
from tests.kube.eviction import disrupt
from tests.kube.pods import set_pod_condition
from tests.kube.records import Obj
from tests.kube.simulated import SimulatedKubelet
from tests.kube.store import Store

REASONS = {
    "EvictionByEvictionAPI": "Eviction API: evicting",
    "PreemptionByScheduler": "default-scheduler: preempting to accommodate a higher priority pod",
    "DeletionByTaintManager": "Taint manager: deleting due to NoExecute taint",
    "TerminationByKubelet": "The node was low on resource: memory.",
}


class Actions:
    def __init__(self, store: Store, namespace: str, node: str, kubelet: Any) -> None:
        self.store = store
        self.namespace = namespace
        self.node = node
        self.kubelet = kubelet

    def delete_pod(self, name: str, *, grace_seconds: int | None = None) -> None:
        """As `kubectl delete pod`. Raises 404."""
        self.store.delete("pods", self.namespace, name, grace_seconds=grace_seconds)

    def delete_job(self, name: str, *, policy: str = "Background") -> None:
        """As `kubectl delete job --cascade=...`. Raises 404."""
        self.store.remove("jobs", self.namespace, name, Deletion(policy))

    def disrupt_pod(
        self, name: str, *, reason: str = "EvictionByEvictionAPI", grace_seconds: int | None = None
    ) -> None:
        """Evicted, preempted or driven out by a taint. Raises 404."""
        disrupt(self.store, self.namespace, name, reason, REASONS[reason], grace_seconds)

    def lose_node(self) -> None:
        """Its kubelet falls silent: the node is no longer ready, its pods neither, until they are driven out."""
        self.kubelet.lose()
        lost = nodes.condition("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
        taints = [{"key": nodes.UNREACHABLE, "effect": effect} for effect in ("NoSchedule", "NoExecute")]
        self.set_node(lost, taints)
        for pod in self.pods_of_node():
            self.store.change("pods", self.namespace, pod["metadata"]["name"], not_ready)

    def remove_lost_pods(self) -> None:
        """What the taint manager does after the tolerated time, and the garbage collector of pods to what then never
        ends by itself: `DisruptionTarget`, Failed, gone."""
        for pod in self.pods_of_node():
            name = pod["metadata"]["name"]
            disrupt(self.store, self.namespace, name, "DeletionByTaintManager", REASONS["DeletionByTaintManager"])
            self.store.change("pods", self.namespace, name, fail)
            self.remove(name)

    def remove(self, name: str) -> None:
        try:
            self.store.delete("pods", self.namespace, name, grace_seconds=0)
        except ApiError:
            pass  # its last finalizer was gone already

    def recover_node(self) -> None:
        self.kubelet.recover()
        self.set_node(nodes.condition("True", *nodes.READY), [])

    def set_node(self, ready: Obj, taints: list[Obj]) -> None:
        def edit(node: Obj) -> None:
            node["status"]["conditions"] = [ready]
            node["spec"]["taints"] = taints

        self.store.change("nodes", "", self.node, edit)

    def pods_of_node(self) -> list[Obj]:
        return [
            pod
            for pod in self.store.list("pods", self.namespace)
            if pod["spec"].get("nodeName") == self.node and pod["status"].get("phase") in ("Pending", "Running")
        ]

    def finish_pods(
        self, *, names: Iterable[str] = (), labels: dict[str, str] | None = None, exit_code: int = 0, reason: str = ""
    ) -> int:
        """Of simulated pods: those with the names, or all with the labels, end so. How many there were."""
        if not isinstance(self.kubelet, SimulatedKubelet):
            raise ApiError(400, "BadRequest", "only simulated pods end on command")
        wanted = list(names) or [pod["metadata"]["name"] for pod in self.store.list("pods", self.namespace, labels)]
        for name in wanted:
            self.kubelet.finish((self.namespace, name), exit_code, reason)
        return len(wanted)

    def patch_status(self, resource: str, name: str, status: Obj) -> None:
        """Whatever a controller that is not here would write. Raises 404."""

        def edit(obj: Obj) -> None:
            obj.setdefault("status", {}).update(status)

        self.store.change(resource, self.namespace, name, edit)


def not_ready(pod: Obj) -> None:
    set_pod_condition(pod, "Ready", "False", "NodeNotReady", "Node is not ready")


def fail(pod: Obj) -> None:
    pod["status"]["phase"] = "Failed"
