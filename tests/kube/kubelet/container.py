"""One container of a pod: from the pull of its image to the last line of its log."""

import asyncio
import secrets
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.kube import clock
from tests.kube.kubelet import images
from tests.kube.kubelet.crilog import ContainerLog
from tests.kube.kubelet.environment import ConfigError, command_of, environment
from tests.kube.kubelet.node import Node
from tests.kube.kubelet.processes import Process, StartError, drain, spawn, spawn_tty
from tests.kube.records import Obj

EPOCH = "1970-01-01T00:00:00Z"
RUNC = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
    "runc create failed: unable to start container process: error during container init: {}: unknown"
)
LOST = "The container could not be located when the pod was terminated"


class Container:
    """`state` is what stands in the pod's status; `report` is called when it has changed."""

    def __init__(self, node: Node, pod: Obj, spec: Obj, root: Path, report: Callable[[], None]) -> None:
        self.node, self.pod, self.spec, self.report = node, pod, spec, report
        self.name: str = spec["name"]
        self.root = root
        self.cwd = root / spec.get("workingDir", "/").lstrip("/")
        self.state: Obj = waiting("ContainerCreating")
        self.id = ""
        self.ready = False
        self.env: dict[str, str] = {}
        self.process: Process | None = None
        self.log: ContainerLog | None = None

    @property
    def is_running(self) -> bool:
        return "running" in self.state

    @property
    def is_over(self) -> bool:
        return "terminated" in self.state

    async def live(self) -> None:
        """Until it is over. Cancelled only while it waits to start."""
        await self.pull()
        env = await self.configure()
        try:
            self.start(env)
        except StartError as exc:
            self.fail_to_start(str(exc))
            return
        assert self.process is not None
        await self.run(self.process)

    async def pull(self) -> None:
        image, backoff = self.spec["image"], self.node.timing.pull_backoff
        while True:
            pull = images.pull(image, authorised=self.is_authorised())
            if pull.reason == "InvalidImageName":
                self.event("Warning", "InspectFailed", pull.message)
            else:
                self.event("Normal", "Pulling", f'Pulling image "{image}"')
                await asyncio.sleep(pull.seconds or self.node.timing.pull)
            if not pull.reason:
                took = f"{round(1000 * pull.seconds) or 1}ms"
                text = f'Successfully pulled image "{image}" in {took} ({took} including waiting)'
                self.event("Normal", "Pulled", f"{text}. Image size: 29150417 bytes.")
                return
            await self.back_off(pull, backoff)
            backoff = min(2 * backoff, self.node.timing.pull_backoff_most)

    async def back_off(self, pull: images.Pull, seconds: float) -> None:
        image = self.spec["image"]
        if pull.reason == "ErrImagePull":
            self.event("Warning", "Failed", f'Failed to pull image "{image}": {pull.message}')
        self.event("Warning", "Failed", f"Error: {pull.reason}")
        self.become(waiting(pull.reason, pull.message))
        await asyncio.sleep(seconds / 2)
        if pull.reason == "ErrImagePull":
            text = f'Back-off pulling image "{image}"'
            self.event("Normal", "BackOff", text)
            self.event("Warning", "Failed", "Error: ImagePullBackOff")
            self.become(waiting("ImagePullBackOff", f"{text}: ErrImagePull: {pull.message}"))
        await asyncio.sleep(seconds / 2)

    def is_authorised(self) -> bool:
        names = [each["name"] for each in self.pod["spec"].get("imagePullSecrets") or ()]
        namespace = self.pod["metadata"]["namespace"]
        return any(self.node.store.find("secrets", namespace, name) for name in names)

    async def configure(self) -> dict[str, str]:
        while True:
            try:
                env = environment(self.pod, self.spec, self.node.store.find)
                return self.node.base_env(self.pod) | env
            except ConfigError as exc:
                self.event("Warning", "Failed", f"Error: {exc}")
                self.become(waiting("CreateContainerConfigError", str(exc)))
            await asyncio.sleep(self.node.timing.retry)

    def start(self, env: dict[str, str]) -> None:
        """Raises StartError."""
        self.id = secrets.token_hex(32)
        self.cwd.mkdir(parents=True, exist_ok=True)
        timing = self.node.timing
        path = self.root.parent / f"{self.name}.log"
        self.log = ContainerLog(path, limit=lambda: timing.log_bytes, clock_ns=lambda: timing.clock_ns())
        self.env = {"HOME": str(self.cwd), **env, **self.node.fences.mark(self.id)}
        self.event("Normal", "Created", "Container created")
        self.process = self.node.fences.adopt(spawn(command_of(self.spec, self.env), self.env, str(self.cwd)))
        self.event("Normal", "Started", "Container started")
        self.become({"running": {"startedAt": clock.now()}})

    def fail_to_start(self, why: str) -> None:
        message = RUNC.format(why)
        if self.log is not None:
            self.log.close()
        self.event("Warning", "Failed", f"Error: {message}")
        self.end(128, "StartError", message, started=EPOCH)

    async def run(self, process: Process) -> None:
        assert self.log is not None
        readiness = asyncio.create_task(self.become_ready())
        draining = asyncio.create_task(drain(process, self.log.feed))
        try:
            code = await asyncio.shield(process.ended)
            await self.node.fences.end(self.id)
            await asyncio.wait({draining}, timeout=self.node.timing.kill_all)
        finally:
            readiness.cancel()
            draining.cancel()
            process.close()
            self.log.close()
        await self.node.present.wait()
        self.end(code, self.reason(code), self.last_words(code), started=self.state["running"]["startedAt"])

    async def become_ready(self) -> None:
        await asyncio.sleep(self.node.timing.ready)
        self.ready = True
        self.report()

    def reason(self, code: int) -> str:
        """SIMULATE_OOM=1 says that a KILL is the kernel's for want of memory."""
        annotations = self.pod["metadata"].get("annotations") or {}
        if code == 137 and "1" in (self.env.get("SIMULATE_OOM"), annotations.get("SIMULATE_OOM")):
            return "OOMKilled"
        return "Error" if code else "Completed"

    def last_words(self, code: int) -> str:
        if code == 0 or self.spec.get("terminationMessagePolicy") != "FallbackToLogsOnError" or self.log is None:
            return ""
        return self.log.last_words()

    def end(self, code: int, reason: str, message: str, *, started: str) -> None:
        self.ready = False
        state = {"exitCode": code, "reason": reason, "startedAt": started, "finishedAt": clock.now()}
        if message:
            state["message"] = message
        if self.id:
            state["containerID"] = f"containerd://{self.id}"
        self.become({"terminated": state})
        if self.log is not None:
            self.log.tell()

    def never_started(self) -> None:
        """The pod ends before it could."""
        state = {"exitCode": 137, "reason": "ContainerStatusUnknown", "message": LOST}
        self.become({"terminated": {**state, "startedAt": None, "finishedAt": None}})

    def terminate(self) -> None:
        self.event("Normal", "Killing", f"Stopping container {self.name}")
        if self.process is not None:
            self.process.send(signal.SIGTERM)

    async def kill(self) -> None:
        if self.process is not None and not self.process.ended.done():
            await self.node.fences.end(self.id)

    def exec(self, argv: Sequence[str], *, tty: bool, stdin: bool) -> Process:
        """Another process in the running container. Raises StartError."""
        env = {**self.env, "TERM": "xterm"} if tty else self.env
        process = spawn_tty(argv, env, str(self.cwd)) if tty else spawn(argv, env, str(self.cwd), stdin=stdin)
        return self.node.fences.adopt(process)

    def become(self, state: Obj) -> None:
        if state != self.state:
            self.state = state
            self.report()

    def event(self, kind: str, reason: str, message: str) -> None:
        if self.node.present.is_set():
            path = f"spec.containers{{{self.name}}}"
            self.node.recorder.record(self.pod, kind, reason, message, host=self.node.name, field_path=path)

    def status(self) -> Obj:
        status = {
            "name": self.name,
            "state": self.state,
            "lastState": {},
            "ready": self.ready,
            "restartCount": 0,
            "image": self.spec["image"],
            "imageID": "",
            "started": self.is_running,
        }
        if self.id:
            status |= {"containerID": f"containerd://{self.id}", "imageID": f"sha256:{'0' * 64}"}
        return status


def waiting(reason: str, message: str = "") -> Obj:
    return {"waiting": {"reason": reason, "message": message} if message else {"reason": reason}}
