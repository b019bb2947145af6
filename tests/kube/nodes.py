"""The one node of the cluster."""

from dataclasses import dataclass, field

from tests.kube import clock
from tests.kube.records import Obj

READY = ("KubeletReady", "kubelet is posting ready status")
UNREACHABLE = "node.kubernetes.io/unreachable"


@dataclass(frozen=True, slots=True)
class NodeSpec:
    name: str = "node-1"
    cpu: str = "8"
    memory: str = "32Gi"
    pods: str = "110"
    extended: dict[str, str] = field(default_factory=lambda: {"nvidia.com/gpu": "4"})
    labels: dict[str, str] = field(default_factory=lambda: {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB"})

    def obj(self) -> Obj:
        capacity = {"cpu": self.cpu, "memory": self.memory, "pods": self.pods, **self.extended}
        labels = {"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux", **self.labels}
        conditions = [condition("True", *READY)]
        return {
            "kind": "Node",
            "apiVersion": "v1",
            "metadata": {"name": self.name, "labels": labels},
            "spec": {},
            "status": {"capacity": capacity, "allocatable": capacity, "conditions": conditions},
        }


def condition(status: str, reason: str, message: str) -> Obj:
    now = clock.now()
    times = {"lastHeartbeatTime": now, "lastTransitionTime": now}
    return {"type": "Ready", "status": status, "reason": reason, "message": message, **times}
