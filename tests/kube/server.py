"""The double on a thread of its own, for tests: `with ApiServer() as server: ...`"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from tests.kube.control_plane import ControlPlane, Settings
from tests.kube.faults import Faults
from tests.kube.kubelet import Kubelet
from tests.kube.kueue import NO_QUOTA
from tests.kube.rbac import EVERYTHING, Rule
from tests.kube.records import Obj
from tests.kube.requests_seen import RequestLog
from tests.kube.store import Objs

T = TypeVar("T")
PATIENCE = 30.0


class ApiServer:
    """Every method may be called from any thread but the server's own."""

    def __init__(self, **settings: Any) -> None:
        """Takes the fields of control_plane.Settings."""
        self.settings = Settings(**settings)
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.run, name="kube-api-server", daemon=True)
        self.error: BaseException | None = None

    def __enter__(self) -> Self:
        self.thread.start()
        self.ready.wait(PATIENCE)
        if self.error:
            raise self.error
        return self

    def __exit__(self, *exc: object) -> None:
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(PATIENCE)

    def run(self) -> None:
        try:
            asyncio.run(self.serve())
        except BaseException as exc:  # noqa: BLE001 (given to the thread that waits)
            self.error = exc
            self.ready.set()

    async def serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.over = asyncio.Event()
        self.plane = ControlPlane(self.settings)
        await self.plane.start()
        self.ready.set()
        await self.over.wait()
        await self.plane.stop()

    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run it in the server's loop, between two requests; its result."""

        async def run() -> T:
            return function(*args, **kwargs)

        return self.wait(run())

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    @property
    def url(self) -> str:
        return self.plane.url

    @property
    def namespace(self) -> str:
        return self.settings.namespace

    @property
    def token(self) -> str:
        """Of the service account `platform`, which may do everything in the namespace."""
        return self.plane.token

    @property
    def faults(self) -> Faults:
        return self.plane.faults

    @property
    def requests(self) -> RequestLog:
        return self.plane.requests

    @property
    def kubelet(self) -> Kubelet:
        """Of a server that does not simulate its pods. Its methods are for call(); its `timing` may be set directly."""
        assert isinstance(self.plane.kubelet, Kubelet)
        return self.plane.kubelet

    def kubeconfig(self, path: Path, *, token: str = "") -> Path:
        """Written to the file, whose path is returned."""
        return self.plane.write_kubeconfig(path, token)

    def add_token(self, *, rules: Iterable[Rule] = (EVERYTHING,), denied: Iterable[tuple[str, str]] = ()) -> str:
        """A token that lacks something: `denied=[("create", "pods/exec")]`."""
        return self.call(self.plane.users.add, rules=rules, denied=denied)

    def revoke_token(self, token: str) -> None:
        self.call(self.plane.users.revoke, token)

    def get(self, resource: str, name: str) -> Obj:
        """Raises ApiError 404."""
        return self.call(self.plane.store.get, resource, self.namespace, name)

    def list(self, resource: str, labels: Mapping[str, str] | None = None) -> Objs:
        return self.call(self.plane.store.list, resource, self.namespace, labels)

    def create(self, resource: str, obj: Obj) -> Obj:
        """As a client with all rights would."""
        kind = self.plane.registry.resources[resource]
        return self.call(lambda: self.plane.registry.create(kind, self.namespace, obj).record.obj())

    def change(self, resource: str, name: str, edit: Callable[[Obj], None]) -> Obj:
        return self.call(self.plane.store.change, resource, self.namespace, name, edit)

    def delete_pod(self, name: str, *, grace_seconds: int | None = None) -> None:
        self.call(self.plane.actions.delete_pod, name, grace_seconds=grace_seconds)

    def delete_job(self, name: str, *, policy: str = "Background") -> None:
        self.call(self.plane.actions.delete_job, name, policy=policy)

    def disrupt_pod(
        self, name: str, *, reason: str = "EvictionByEvictionAPI", grace_seconds: int | None = None
    ) -> None:
        self.call(self.plane.actions.disrupt_pod, name, reason=reason, grace_seconds=grace_seconds)

    def lose_node(self) -> None:
        self.call(self.plane.actions.lose_node)

    def remove_lost_pods(self) -> None:
        self.call(self.plane.actions.remove_lost_pods)

    def recover_node(self) -> None:
        self.call(self.plane.actions.recover_node)

    def finish_pods(self, **which: Any) -> int:
        """Of simulated pods; see Actions.finish_pods."""
        return self.call(self.plane.actions.finish_pods, **which)

    def hold_job(self, name: str, message: str = NO_QUOTA) -> None:
        """Kueue's part, of a server with `kueue`: the suspended Job waits for quota."""
        self.call(self.plane.kueue.hold, name, message)

    def admit_job(self, name: str) -> None:
        self.call(self.plane.kueue.admit, name)

    def preempt_job(self, name: str) -> None:
        self.call(self.plane.kueue.preempt, name)

    def expire_history(self) -> None:
        """Every resourceVersion from before is too old for a watch."""
        self.call(self.plane.store.compact)

    def close_connections(self) -> None:
        self.call(self.plane.listener.close_connections)

    def end_watches(self) -> None:
        """Cleanly: the client sees the end of the stream."""
        self.call(self.plane.rest.end_watches)

    def stop_listening(self) -> None:
        """Watches end cleanly, other connections are cut off, new ones are refused, until listen()."""
        self.wait(self.plane.stop_listening())

    def listen(self) -> None:
        self.wait(self.plane.listener.start())
