"""The kubelet of the double: runs the pods that are bound to its node."""

import asyncio
import logging
import shutil
import tempfile
from pathlib import Path

from tests.kube.events import Recorder
from tests.kube.kubelet.container import Container
from tests.kube.kubelet.node import Node
from tests.kube.kubelet.pod import PodWorker
from tests.kube.kubelet.processes import Fences
from tests.kube.kubelet.timing import Timing
from tests.kube.records import Change
from tests.kube.store import Store

logger = logging.getLogger(__name__)

EVICTED = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}


class Kubelet:
    """For one event loop. Between start() and stop()."""

    def __init__(self, store: Store, recorder: Recorder, node: str = "node-1", timing: Timing | None = None) -> None:
        self.store, self.recorder, self.name = store, recorder, node
        self.timing = timing or Timing()
        self.workers: dict[str, PodWorker] = {}
        self.without_protocols: frozenset[str] = frozenset()  # exec protocols that an older cluster does not know
        self.node: Node
        self.killing: set[asyncio.Task[None]] = set()
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        scratch = Path(tempfile.mkdtemp(prefix="kube-double-"))
        self.node = Node(self.name, self.store, self.recorder, self.timing, Fences(), scratch)
        self.node.present.set()
        self.task = asyncio.create_task(self.follow())

    async def stop(self) -> None:
        """Nothing of it runs any more then."""
        tasks = [task for task in (self.task, *(worker.task for worker in self.workers.values())) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.node.fences.close()
        shutil.rmtree(self.node.scratch, ignore_errors=True)

    async def follow(self) -> None:
        subscription = self.store.subscribe("pods")
        try:
            async for change in subscription:
                await self.node.present.wait()
                self.take(change)
        finally:
            subscription.close()

    def take(self, change: Change) -> None:
        uid = change.record.uid
        worker = self.workers.get(uid)
        if change.type == "DELETED":
            if worker is not None:
                self.workers.pop(uid).gone()
            return
        pod = change.obj
        if worker is not None:
            worker.update(pod)
        elif pod["spec"].get("nodeName") == self.name and not is_over(change):
            self.begin(PodWorker(self.node, pod))

    def begin(self, worker: PodWorker) -> None:
        worker.update(worker.pod)
        self.workers[worker.uid] = worker
        worker.task = asyncio.create_task(worker.run())
        worker.task.add_done_callback(complain)

    def container(self, uid: str, name: str) -> Container | None:
        """None when the pod, or the container, is not on this node."""
        worker = self.workers.get(uid)
        return worker.container(name) if worker is not None else None

    def lose(self) -> None:
        """The node's power fails: everything on it ends, and nobody hears of it."""
        self.node.present.clear()
        for worker in self.workers.values():
            for container in worker.containers:
                if container.process is not None and not container.process.ended.done():
                    task = asyncio.create_task(container.kill())
                    self.killing.add(task)
                    task.add_done_callback(self.killing.discard)

    def recover(self) -> None:
        """It is back, and reports what it finds."""
        self.node.present.set()
        for worker in self.workers.values():
            worker.report()

    def evict(self, namespace: str, name: str, message: str = "The node was low on resource: memory. ") -> None:
        """As under memory pressure: the pod's object stays, Failed. Raises 404."""
        worker = self.workers[self.store.get("pods", namespace, name)["metadata"]["uid"]]
        self.recorder.record(worker.pod, "Warning", "Evicted", message, host=self.name)
        worker.end_with("Evicted", message, conditions=[{**EVICTED, "message": message}])


def is_over(change: Change) -> bool:
    return change.record.fields.get("status.phase") in ("Succeeded", "Failed")


def complain(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("A pod of the double failed", exc_info=error)
