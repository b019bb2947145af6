"""The Job controller (pkg/controller/job): looks at a Job whenever it or its pods change."""

import asyncio

from tests.kube.errors import ApiError
from tests.kube.events import Recorder
from tests.kube.job_pods import TRACKING, untrack
from tests.kube.job_sync import Sync
from tests.kube.records import Change, Key
from tests.kube.registry import Registry
from tests.kube.timing import Timing
from tests.kube.workqueue import WorkQueue

TRACKING_BYTES = TRACKING.encode()


class JobController:
    def __init__(self, registry: Registry, recorder: Recorder, timing: Timing) -> None:
        self.registry = registry
        self.store = registry.store
        self.recorder = recorder
        self.timing = timing
        self.queue = WorkQueue()
        self.names: dict[str, Key] = {}  # uid of a Job that is there → its key
        self.refused: dict[str, int] = {}  # uid of a Job → how often its pods were refused
        self.failed_at: dict[str, float] = {}  # uid of a Job → when a pod of it was last counted as failed
        self.own: set[int] = set()  # versions that this controller wrote itself, and need not look at

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.follow_jobs())
                group.create_task(self.follow_pods())
                group.create_task(self.work())
        finally:
            self.queue.close()

    async def follow_jobs(self) -> None:
        with self.store.subscribe("jobs") as subscription:
            async for change in subscription:
                self.see_job(change)

    def see_job(self, change: Change) -> None:
        uid = change.record.uid
        if change.type == "DELETED":
            self.names.pop(uid, None)
            self.refused.pop(uid, None)
            self.failed_at.pop(uid, None)
            for pod in self.store.tables["pods"].dependents(uid):
                self.untrack(pod.key)
            return
        self.names[uid] = change.key
        if change.rv in self.own:
            self.own.discard(change.rv)
        else:
            self.queue.add(change.key)

    async def follow_pods(self) -> None:
        with self.store.subscribe("pods") as subscription:
            async for change in subscription:
                self.see_pod(change)

    def see_pod(self, change: Change) -> None:
        """A Job is looked at a while after its pods changed, so that many changes make one. A pod whose Job is gone is
        held no longer."""
        if change.type == "MODIFIED" and is_untracking(change):
            return  # its own doing
        keys = [self.names[uid] for uid in change.record.owners if uid in self.names]
        for key in keys:
            self.queue.add_after(key, self.timing.job_sync)
        if not keys and change.type != "DELETED" and not any(uid in self.store.uids for uid in change.record.owners):
            self.untrack(change.key)

    async def work(self) -> None:
        while True:
            for key in await self.queue.take():
                self.sync(key)

    def sync(self, key: Key) -> None:
        record = self.store.tables["jobs"].records.get(key)
        if record is not None:
            Sync(self, record).run()

    def untrack(self, key: Key) -> None:
        try:
            self.store.change("pods", *key, untrack)
        except ApiError:
            pass  # it is gone already


def is_untracking(change: Change) -> bool:
    old = change.old.body if change.old else b""
    return TRACKING_BYTES in old and TRACKING_BYTES not in change.record.body
