"""What all pods of a node share."""

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path

from tests.kube.events import Recorder
from tests.kube.kubelet.processes import Fences
from tests.kube.kubelet.timing import Timing
from tests.kube.records import Obj
from tests.kube.store import Store


@dataclass(slots=True)
class Node:
    """`present` is set while the node is in touch with the API server: nothing is reported without."""

    name: str
    store: Store
    recorder: Recorder
    timing: Timing
    fences: Fences
    scratch: Path
    present: asyncio.Event = field(default_factory=asyncio.Event)
    addresses: int = 0

    def address(self) -> str:
        """A pod's; nothing listens there."""
        self.addresses += 1
        return f"10.244.{self.addresses // 254 % 256}.{self.addresses % 254 + 1}"

    def base_env(self, pod: Obj) -> dict[str, str]:
        """What the image and the kubelet would set."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOSTNAME": pod["spec"].get("hostname") or pod["metadata"]["name"],
            "KUBERNETES_SERVICE_HOST": "10.96.0.1",
            "KUBERNETES_SERVICE_PORT": "443",
        }
