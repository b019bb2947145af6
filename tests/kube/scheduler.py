"""The scheduler: binds pods to the node, or says why it cannot (pkg/scheduler, its messages and conditions)."""

import asyncio
from collections import Counter
from collections.abc import Mapping

from tests.kube.errors import ApiError
from tests.kube.events import Recorder
from tests.kube.pods import set_pod_condition
from tests.kube.records import Change, Key, Obj, Record
from tests.kube.store import Store
from tests.kube.timing import Timing
from tests.kube.validation import quantity
from tests.kube.workqueue import WorkQueue

COMPONENT = "default-scheduler"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


class Scheduler:
    """Keeps what is used of the node, so that binding one pod does not count all others."""

    def __init__(self, store: Store, recorder: Recorder, timing: Timing, node: str) -> None:
        self.store = store
        self.recorder = recorder
        self.timing = timing
        self.node = node
        self.queue = WorkQueue()
        self.waiting: set[Key] = set()
        self.bound: dict[str, Counter[str]] = {}  # uid → what it uses
        self.used: Counter[str] = Counter()

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.follow_pods())
                group.create_task(self.follow_nodes())
                group.create_task(self.work())
        finally:
            self.queue.close()

    async def follow_pods(self) -> None:
        with self.store.subscribe("pods") as subscription:
            async for change in subscription:
                self.see(change)

    async def follow_nodes(self) -> None:
        with self.store.subscribe("nodes") as subscription:
            async for _ in subscription:
                self.retry()

    def see(self, change: Change) -> None:
        record = change.record
        over = change.type == "DELETED" or record.fields["status.phase"] in ("Succeeded", "Failed")
        if over:
            self.waiting.discard(change.key)
            self.free(record.uid)
        elif record.fields["spec.nodeName"]:
            self.waiting.discard(change.key)
            self.take(record)
        elif change.type == "ADDED" or change.key not in self.waiting:
            self.queue.add(change.key)

    def take(self, record: Record) -> None:
        if record.uid not in self.bound:
            self.bound[record.uid] = requests_of(record.obj())
            self.used.update(self.bound[record.uid])

    def free(self, uid: str) -> None:
        freed = self.bound.pop(uid, None)
        if freed:
            self.used.subtract(freed)
            self.retry()

    def retry(self) -> None:
        for key in self.waiting:
            self.queue.add(key)

    async def work(self) -> None:
        while True:
            for key in await self.queue.take():
                self.schedule(key)

    def schedule(self, key: Key) -> None:
        pod = self.store.find("pods", *key)
        if pod is None or pod["spec"].get("nodeName") or pod["spec"].get("schedulingGates"):
            return
        if "deletionTimestamp" in pod["metadata"]:
            return
        if why := self.refusal(pod):
            self.refuse(pod, why)
        else:
            self.bind(pod)

    def refusal(self, pod: Obj) -> str:
        """Why the pod does not fit; empty when it does."""
        node = self.store.find("nodes", "", self.node)
        if node is None:
            return "no nodes available to schedule pods"
        for volume in pod["spec"].get("volumes") or ():
            claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if claim and not self.store.find("persistentvolumeclaims", pod["metadata"]["namespace"], claim):
                return unschedulable(f'persistentvolumeclaim "{claim}" not found', "")
        if reasons := self.unfit(node, pod):
            return unschedulable(reasons, "")
        asked, whole = requests_of(pod), node["status"]["allocatable"]
        lacking = sorted(
            name for name, amount in asked.items() if amount + self.used[name] > quantity(whole.get(name, "0"))
        )
        if not lacking:
            return ""
        reasons = ", ".join("1 Too many pods" if name == "pods" else f"1 Insufficient {name}" for name in lacking)
        return unschedulable(reasons, "1 No preemption victims found for incoming pod.")

    def unfit(self, node: Obj, pod: Obj) -> str:
        tolerated = {each.get("key") for each in pod["spec"].get("tolerations") or ()}
        for taint in node["spec"].get("taints") or ():
            if taint["key"] not in tolerated and None not in tolerated:
                value = taint.get("value", "")
                return f"1 node(s) had untolerated taint {{{taint['key']}: {value}}}"
        labels = node["metadata"].get("labels") or {}
        wanted = pod["spec"].get("nodeSelector") or {}
        if any(labels.get(name) != value for name, value in wanted.items()) or not attracted(labels, pod):
            return "1 node(s) didn't match Pod's node affinity/selector"
        if node["spec"].get("unschedulable"):
            return "1 node(s) were unschedulable"
        return ""

    def refuse(self, pod: Obj, why: str) -> None:
        key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        self.waiting.add(key)

        def edit(current: Obj) -> None:
            set_pod_condition(current, "PodScheduled", "False", "Unschedulable", why)

        self.store.change("pods", *key, edit)
        self.recorder.record_new_style(pod, "Warning", "FailedScheduling", why, COMPONENT, "Scheduling")

    def bind(self, pod: Obj) -> None:
        metadata = pod["metadata"]

        def edit(current: Obj) -> None:
            current["spec"]["nodeName"] = self.node
            set_pod_condition(current, "PodScheduled", "True")

        try:
            self.store.change("pods", metadata["namespace"], metadata["name"], edit)
        except ApiError:
            return  # it went by itself
        self.take(self.store.record("pods", metadata["namespace"], metadata["name"]))
        text = f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {self.node}"
        self.recorder.record_new_style(pod, "Normal", "Scheduled", text, COMPONENT, "Binding")


def attracted(labels: Mapping[str, str], pod: Obj) -> bool:
    """Required node affinity: one of the terms holds, which is when all of its expressions do (core/v1
    NodeSelectorRequirement; Gt, Lt and matchFields are not known here and never hold)."""
    affinity = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}).get(REQUIRED)
    terms = (affinity or {}).get("nodeSelectorTerms") or []
    return not affinity or any(
        all(holds(labels, one) for one in term.get("matchExpressions") or [{}]) for term in terms
    )


def holds(labels: Mapping[str, str], wanted: Obj) -> bool:
    value, values = labels.get(wanted.get("key", "")), wanted.get("values") or ()
    match wanted.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False


def unschedulable(reasons: str, victims: str) -> str:
    preemption = victims or "1 Preemption is not helpful for scheduling."
    return (
        f"0/1 nodes are available: {reasons}. no new claims to deallocate, "
        f"preemption: 0/1 nodes are available: {preemption}"
    )


def requests_of(pod: Obj) -> Counter[str]:
    asked: Counter[str] = Counter({"pods": 1})
    for container in pod["spec"]["containers"]:
        for name, text in ((container.get("resources") or {}).get("requests") or {}).items():
            asked[name] += quantity(text)  # type: ignore[assignment]
    return asked
