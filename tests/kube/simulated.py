"""A kubelet without processes, for benches: its pods run after a while and until somebody says how they ended."""

import asyncio
from collections.abc import Callable

from tests.kube.errors import ApiError
from tests.kube.pods import begin_running, end
from tests.kube.records import Change, Key, Obj
from tests.kube.store import Store
from tests.kube.timing import Timing

TERMINATED = 143  # 128 + SIGTERM


class SimulatedKubelet:
    def __init__(self, store: Store, node: str, timing: Timing) -> None:
        self.store = store
        self.node = node
        self.timing = timing
        self.seen: dict[str, str] = {}  # uid → what was last asked of the loop: start or stop
        self.lost = False

    async def run(self) -> None:
        with self.store.subscribe("pods") as subscription:
            async for change in subscription:
                self.see(change)

    def see(self, change: Change) -> None:
        record = change.record
        if change.type == "DELETED":
            self.seen.pop(record.uid, None)
        elif self.lost or record.fields["spec.nodeName"] != self.node:
            return
        elif b'"deletionTimestamp"' in record.body:
            self.once(record.uid, "stop", self.timing.stop, change.key)
        elif record.fields["status.phase"] == "Pending":
            self.once(record.uid, "start", self.timing.start, change.key)

    def once(self, uid: str, action: str, seconds: float, key: Key) -> None:
        if self.seen.get(uid) != action:
            self.seen[uid] = action
            asyncio.get_running_loop().call_later(seconds, self.start if action == "start" else self.stop, key, uid)

    def start(self, key: Key, uid: str) -> None:
        def edit(pod: Obj) -> None:
            if pod["metadata"]["uid"] == uid and pod["status"]["phase"] == "Pending":
                begin_running(pod, self.node)

        self.change(key, edit)

    def stop(self, key: Key, uid: str) -> None:
        if self.lost:
            return
        self.finish(key, TERMINATED, uid=uid)
        try:
            self.store.delete("pods", *key, uid=uid, grace_seconds=0)
        except ApiError:
            pass  # it went by itself, or the name is another pod's by now

    def finish(self, key: Key, exit_code: int, reason: str = "", uid: str = "") -> None:
        """The pod ends so, unless it has ended."""

        def edit(pod: Obj) -> None:
            if uid in ("", pod["metadata"]["uid"]) and pod["status"].get("phase") not in ("Succeeded", "Failed"):
                end(pod, exit_code, reason)

        self.change(key, edit)

    def change(self, key: Key, edit: Callable[[Obj], None]) -> None:
        if self.lost:
            return
        try:
            self.store.change("pods", *key, edit)
        except ApiError:
            pass  # it went by itself

    def lose(self) -> None:
        self.lost = True

    def recover(self) -> None:
        self.lost = False
