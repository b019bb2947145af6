"""One pod on the node: its containers, its status, its end."""

import asyncio
import shutil
from pathlib import Path

from tests.kube import clock
from tests.kube.errors import ApiError
from tests.kube.kubelet import phase
from tests.kube.kubelet.container import Container
from tests.kube.kubelet.node import Node
from tests.kube.records import Obj

DEADLINE = "Pod was active on the node longer than the specified deadline"


class PodWorker:
    """One task runs it; update() and gone() tell it what happens to the object meanwhile."""

    def __init__(self, node: Node, pod: Obj) -> None:
        self.node, self.pod = node, pod
        self.namespace, self.name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        self.uid: str = pod["metadata"]["uid"]
        self.root: Path = node.scratch / self.uid
        self.containers = [
            Container(node, pod, spec, self.root / spec["name"], self.report) for spec in pod["spec"]["containers"]
        ]
        self.started_at, self.address = clock.now(), node.address()
        self.verdict: Obj = {}  # phase, reason and message when the kubelet itself ends the pod
        self.extra: list[Obj] = []  # conditions that come with the verdict
        self.stopping = asyncio.Event()
        self.hurried = asyncio.Event()
        self.grace: float | None = None
        self.final = False
        self.task: asyncio.Task[None] | None = None

    def container(self, name: str) -> Container | None:
        return next((each for each in self.containers if each.name == name), None)

    async def run(self) -> None:
        """1. report 2. start and watch the containers 3. when asked to, end them 4. the last status 5. the object."""
        self.report()
        lives = [asyncio.create_task(self.live(each)) for each in self.containers]
        stop = asyncio.create_task(self.stopping.wait())
        everything = asyncio.create_task(all_of(lives))
        try:
            await asyncio.wait([everything, stop], timeout=self.deadline(), return_when=asyncio.FIRST_COMPLETED)
            if not everything.done():
                if not self.stopping.is_set():
                    self.end_with("DeadlineExceeded", DEADLINE)
                await self.end(lives)
        finally:
            for task in (stop, everything, *lives):
                task.cancel()
        self.final = True
        await self.node.present.wait()
        self.report()
        await self.remove()

    async def live(self, container: Container) -> None:
        await self.volumes()
        await container.live()

    async def volumes(self) -> None:
        """A volume whose ConfigMap or Secret is missing keeps the pod from starting."""
        while missing := self.missing_volume():
            volume, what = missing
            message = f'MountVolume.SetUp failed for volume "{volume}" : {what} not found'
            self.node.recorder.record(self.pod, "Warning", "FailedMount", message, host=self.node.name)
            await asyncio.sleep(self.node.timing.retry)

    def missing_volume(self) -> tuple[str, str] | None:
        for volume in self.pod["spec"].get("volumes") or ():
            for key, resource, named in (("configMap", "configmaps", "name"), ("secret", "secrets", "secretName")):
                source = volume.get(key)
                if source and not source.get("optional"):
                    name = source[named]
                    if self.node.store.find(resource, self.namespace, name) is None:
                        return volume["name"], f'{key.lower()} "{name}"'
        return None

    def deadline(self) -> float | None:
        seconds = self.pod["spec"].get("activeDeadlineSeconds")
        return float(seconds) if seconds is not None else None

    async def end(self, lives: "list[asyncio.Task[None]]") -> None:
        for container, life in zip(self.containers, lives, strict=True):
            if container.process is None and not container.is_over:
                life.cancel()
            elif not container.is_over:
                container.terminate()
        running = asyncio.create_task(all_of(lives))
        while not running.done():
            hurried = asyncio.create_task(self.hurried.wait())
            await asyncio.wait([running, hurried], timeout=self.grace_left(), return_when=asyncio.FIRST_COMPLETED)
            hurried.cancel()
            if self.hurried.is_set() and self.grace:
                self.hurried.clear()
            elif not running.done():
                for container in self.containers:
                    await container.kill()
                await running
        for container in self.containers:
            if not container.is_over:
                container.never_started()

    def grace_left(self) -> float:
        return float(self.pod["spec"].get("terminationGracePeriodSeconds", 30)) if self.grace is None else self.grace

    def end_with(self, reason: str, message: str, *, conditions: "list[Obj] | None" = None) -> None:
        self.verdict = {"phase": "Failed", "reason": reason, "message": message}
        self.extra = conditions or []
        self.stopping.set()

    def update(self, pod: Obj) -> None:
        """The object has changed: what matters is whether and how soon it is to end."""
        self.pod = pod
        metadata = pod["metadata"]
        if "deletionTimestamp" not in metadata:
            return
        grace = float(metadata.get("deletionGracePeriodSeconds") or 0)
        if self.grace is None or grace < self.grace:
            self.grace = grace
            (self.hurried if self.stopping.is_set() else self.stopping).set()

    def gone(self) -> None:
        """The object is not there any more: what still runs of it ends at once, and its logs go."""
        self.grace = 0.0
        self.stopping.set()
        self.hurried.set()
        task = self.task
        if task is None or task.done():
            self.clear()
        else:
            task.add_done_callback(lambda _: self.clear())

    def clear(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    async def remove(self) -> None:
        """The last step of a deletion: the pod's object may go now."""
        await self.stopping.wait()
        await self.node.present.wait()
        if self.grace is None:  # ended by the kubelet: its object stays
            return
        try:
            self.node.store.delete("pods", self.namespace, self.name, uid=self.uid, grace_seconds=0)
        except ApiError:  # gone, or another one
            pass

    def report(self) -> None:
        """Write the status, unless the node is out of touch or the object is gone."""
        if not self.node.present.is_set():
            return
        try:
            self.node.store.change("pods", self.namespace, self.name, self.write)
        except ApiError:
            pass

    def write(self, pod: Obj) -> None:
        if pod["metadata"]["uid"] != self.uid:
            return
        statuses = [each.status() for each in self.containers]
        found = phase.phase_of([each.state for each in self.containers])
        if self.stopping.is_set() and self.final:
            found = "Succeeded" if found == "Succeeded" else "Failed"
        elif found in ("Succeeded", "Failed") and not self.final:
            found = "Running"  # until everything of it has ended
        status = pod.setdefault("status", {})
        status |= {"phase": found, "startTime": self.started_at, "hostIP": "192.0.2.1"}
        status |= {"podIP": self.address, "podIPs": [{"ip": self.address}], "containerStatuses": statuses}
        if self.final:
            status |= self.verdict
        conditions = phase.conditions(status["phase"], statuses) + (self.extra if self.verdict else [])
        status["conditions"] = phase.merge(status.get("conditions") or (), conditions)


async def all_of(lives: "list[asyncio.Task[None]]") -> bool:
    await asyncio.gather(*lives, return_exceptions=True)
    return True
