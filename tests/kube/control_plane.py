"""The API server with its controllers, assembled. For one event loop; ApiServer runs it on a thread of its own."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.kube import kubeconfigs, pod_routes, resources
from tests.kube.actions import Actions
from tests.kube.certificates import make_tls
from tests.kube.control import Control
from tests.kube.events import Recorder
from tests.kube.faults import Faults
from tests.kube.garbage import GarbageCollector
from tests.kube.job_controller import JobController
from tests.kube.kubelet import Kubelet
from tests.kube.kubelet import Timing as NodeTiming
from tests.kube.kueue import Kueue
from tests.kube.listener import Listener
from tests.kube.middlewares import authorized, faulty, logged, statused
from tests.kube.nodes import NodeSpec
from tests.kube.pod_security import ENFORCE
from tests.kube.rbac import Users
from tests.kube.registry import Registry
from tests.kube.requests_seen import RequestLog
from tests.kube.rest import Rest
from tests.kube.scheduler import Scheduler
from tests.kube.simulated import SimulatedKubelet
from tests.kube.simulated_logs import SimulatedLogs
from tests.kube.store import Store
from tests.kube.timing import Timing

log = logging.getLogger(__name__)
LARGEST_BODY = 8 << 20
GOODBYE = 0.05  # seconds for the last chunks of the watches


@dataclass(frozen=True, slots=True)
class Settings:
    namespace: str = "training"
    pod_security: str = "baseline"
    port: int = 0
    tls: bool = True
    simulate: bool = False
    kueue: bool = False
    history: int = 20_000
    node: NodeSpec = field(default_factory=NodeSpec)
    timing: Timing = field(default_factory=Timing)
    on_node: NodeTiming = field(default_factory=NodeTiming)


class ControlPlane:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        kinds = resources.CORE + (resources.KUEUE if settings.kueue else ())
        self.store = Store(kinds, history=settings.history)
        self.registry = Registry(self.store)
        self.recorder = Recorder(self.store)
        self.faults = Faults()
        self.requests = RequestLog()
        self.rest = Rest(self.registry, self.faults, settings.timing.bookmark)
        self.tls = make_tls() if settings.tls else None
        self.users = Users(settings.namespace)
        self.token = self.users.add()
        self.tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        settings, node = self.settings, self.settings.node.name
        loop = asyncio.get_running_loop()
        self.faults.changed = partial(loop.call_soon_threadsafe, self.store.wake_all)
        self.store.create("namespaces", namespace_of(settings))
        self.store.create("nodes", settings.node.obj())
        self.jobs = JobController(self.registry, self.recorder, settings.timing)
        self.kubelet = await self.start_kubelet()
        self.kueue = Kueue(self.store, settings.namespace)
        self.actions = Actions(self.store, settings.namespace, node, self.kubelet)
        scheduler = Scheduler(self.store, self.recorder, settings.timing, node)
        for part in (self.jobs, scheduler, GarbageCollector(self.store)):
            self.spawn(part.run())
        self.runner = web.AppRunner(
            self.application(), access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await self.runner.setup()
        self.listener = Listener(self.runner, settings.port, self.tls.context if self.tls else None)
        await self.listener.start()

    async def start_kubelet(self) -> Any:
        name = self.settings.node.name
        if self.settings.simulate:
            simulated = SimulatedKubelet(self.store, name, self.settings.timing)
            self.simulated_logs = SimulatedLogs(self.store)
            self.spawn(simulated.run())
            self.spawn(self.simulated_logs.run())
            return simulated
        kubelet = Kubelet(self.store, self.recorder, name, self.settings.on_node)
        await kubelet.start()
        return kubelet

    def application(self) -> web.Application:
        middlewares = [logged(self.requests), faulty(self.faults), statused, authorized(self.users)]
        app = web.Application(middlewares=middlewares, client_max_size=LARGEST_BODY)
        app.add_routes(Control(self).routes())
        if isinstance(self.kubelet, Kubelet):
            app.add_routes(pod_routes.routes(self.store, self.kubelet))
        else:
            app.add_routes(self.simulated_logs.routes())
        app.router.add_route("*", "/{path:.*}", self.rest.handle)
        return app

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.listener.port}"

    def write_kubeconfig(self, path: Path, token: str = "") -> Path:
        authority = self.tls.authority if self.tls else ""
        namespace = self.settings.namespace
        return kubeconfigs.write(
            path, url=self.url, token=token or self.token, namespace=namespace, authority=authority
        )

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.ended)

    def ended(self, task: asyncio.Task[Any]) -> None:
        """A controller that breaks must not do so in silence: a test would wait for it until its deadline."""
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a part of the control plane ended", exc_info=error)

    async def stop_listening(self) -> None:
        """As an API server that is stopped: its watches end cleanly, its port refuses, what is left is cut off."""
        self.rest.end_watches()
        await asyncio.sleep(GOODBYE)
        await self.listener.stop()

    async def pause(self, seconds: float) -> None:
        await self.stop_listening()
        await asyncio.sleep(seconds)
        await self.listener.start()

    async def stop(self) -> None:
        await self.listener.stop()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.runner.cleanup()
        if isinstance(self.kubelet, Kubelet):
            await self.kubelet.stop()


def namespace_of(settings: Settings) -> dict[str, Any]:
    labels = {"kubernetes.io/metadata.name": settings.namespace, ENFORCE: settings.pod_security}
    metadata = {"name": settings.namespace, "labels": labels}
    status = {"phase": "Active"}
    return {"kind": "Namespace", "apiVersion": "v1", "metadata": metadata, "spec": {}, "status": status}
