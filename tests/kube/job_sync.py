"""One look of the Job controller at one Job: its pods are made, how they ended is counted, the Job is ended.

The order of a Job's end is that of the real one: the condition SuccessCriteriaMet or FailureTarget, the deletion of the
pods that still run, and only when none of them is terminating any more Complete or Failed. A pod is held by a
finalizer until it has been counted."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.kube import clock
from tests.kube.deletion import Deletion
from tests.kube.errors import ApiError
from tests.kube.job_pods import View, new_pod, view
from tests.kube.job_status import condition, is_finished, is_true, read_indexes, set_condition, set_count, write_indexes
from tests.kube.records import Obj, Record

if TYPE_CHECKING:
    from tests.kube.job_controller import JobController

COMPONENT = "job-controller"
DEADLINE = ("DeadlineExceeded", "Job was active longer than specified deadline")
BACKOFF = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
COMPLETED = ("CompletionsReached", "Reached expected number of succeeded pods")


class Sync:
    """Atomic, as nothing in it awaits."""

    def __init__(self, controller: "JobController", record: Record) -> None:
        self.controller = controller
        self.store = controller.store
        self.record = record
        self.key = record.key
        self.job = record.obj()
        self.spec = self.job["spec"]
        self.status = self.job["status"]
        self.uid = record.uid
        self.pods = [view(record) for record in self.store.tables["pods"].dependents(self.uid)]
        self.indexed = self.spec["completionMode"] == "Indexed"
        self.completed = read_indexes(self.status.get("completedIndexes", ""))
        self.deleting = "deletionTimestamp" in self.job["metadata"]

    def run(self) -> None:
        if is_finished(self.status):
            self.release(self.pods)
            self.expire()
            return
        self.begin()
        counted = self.count()
        self.decide()
        self.write()
        if counted:
            self.settle(counted)
        elif self.finish():
            self.write()
            self.expire()

    def begin(self) -> None:
        """The start time, set at first and again by a resumption, and the condition Suspended."""
        status = self.status
        if self.deleting:
            return
        if self.spec.get("suspend"):
            status.pop("startTime", None)
            if set_condition(status, "Suspended", "True", "JobSuspended", "Job suspended"):
                self.event("Normal", "Suspended", "Job suspended")
            return
        if is_true(status, "Suspended"):
            set_condition(status, "Suspended", "False", "JobResumed", "Job resumed")
            self.event("Normal", "Resumed", "Job resumed")
            status.pop("startTime", None)
        status.setdefault("startTime", clock.now())

    def count(self) -> list[View]:
        """Pods whose end is new: they go into the status first, and are let go only when that is written."""
        uncounted = self.status.setdefault("uncountedTerminatedPods", {})
        counted = []
        for pod in self.pods:
            if not pod.tracked:
                continue
            if pod.succeeded:
                if self.indexed:
                    self.add_completed(pod)
                else:
                    add_uid(uncounted, "succeeded", pod)
            elif pod.failed:
                add_uid(uncounted, "failed", pod)
                self.controller.failed_at[self.uid] = time.monotonic()
            elif not self.deleting:
                continue
            counted.append(pod)
        return counted

    def add_completed(self, pod: View) -> None:
        if pod.index is not None and pod.index < self.spec["completions"]:
            self.completed.add(pod.index)
            self.status["completedIndexes"] = write_indexes(self.completed)

    @property
    def failures(self) -> int:
        return int(self.status.get("failed", 0)) + len(self.status["uncountedTerminatedPods"].get("failed", ()))

    @property
    def successes(self) -> int:
        if self.indexed:
            return len(self.completed)
        return int(self.status.get("succeeded", 0)) + len(self.status["uncountedTerminatedPods"].get("succeeded", ()))

    def decide(self) -> None:
        """Whether it ends now; else the pods are brought to what they should be."""
        if self.deleting:
            return
        if condition(self.status, "FailureTarget"):
            self.end_pods()
        elif self.failures > self.spec["backoffLimit"]:
            self.fail(*BACKOFF)
        elif self.is_late():
            self.fail(*DEADLINE)
        elif self.spec.get("suspend"):
            self.suspend()
        elif self.successes >= (self.spec.get("completions") or 1):
            set_condition(self.status, "SuccessCriteriaMet", "True", *COMPLETED)
            self.end_pods()
        else:
            self.make_pods()

    def is_late(self) -> bool:
        limit = self.spec.get("activeDeadlineSeconds")
        if limit is None or "startTime" not in self.status:
            return False
        left = limit - (datetime.now(UTC) - clock.read(self.status["startTime"])).total_seconds()
        if left > 0:
            self.controller.queue.add_after(self.key, left + 0.01)
        return bool(left <= 0)

    def fail(self, reason: str, message: str) -> None:
        set_condition(self.status, "FailureTarget", "True", reason, message)
        self.end_pods()

    def end_pods(self) -> None:
        for pod in self.pods:
            if pod.active:
                self.delete_pod(pod)

    def suspend(self) -> None:
        """Pods that are ended for this are let go first: they are no failures."""
        for pod in self.pods:
            if pod.active:
                self.controller.untrack((self.key[0], pod.metadata.name))
                self.delete_pod(pod)

    def delete_pod(self, pod: View) -> None:
        pod.metadata.deletion_timestamp = clock.now()
        try:
            self.store.delete("pods", self.key[0], pod.metadata.name)
        except ApiError:
            return
        self.event("Normal", "SuccessfulDelete", f"Deleted pod: {pod.metadata.name}")

    def make_pods(self) -> None:
        active = [pod for pod in self.pods if pod.active]
        wanted = self.spec["parallelism"]
        for pod in active[wanted:]:
            self.delete_pod(pod)
        missing = min(wanted, (self.spec.get("completions") or wanted) - self.successes) - len(active)
        if missing <= 0:
            return
        if self.failures and (wait := self.back_off()) > 0:
            self.controller.queue.add_after(self.key, wait)
            return
        taken = self.completed | {pod.index for pod in self.pods if pod.active or pod.terminating}
        free = [index for index in range(self.spec.get("completions") or 0) if index not in taken]
        for index in free[:missing] if self.indexed else [None] * missing:
            if not self.make_pod(index):
                return

    def back_off(self) -> float:
        """Seconds until the next try."""
        delay = self.controller.timing.job_backoff * 2 ** (self.failures - 1)
        return float(delay) - (time.monotonic() - self.controller.failed_at.get(self.uid, 0.0))

    def make_pod(self, index: int | None) -> bool:
        registry = self.controller.registry
        pod = new_pod(self.job, index)
        try:
            record = registry.create(registry.resources["pods"], self.key[0], pod, field_validation="Ignore").record
        except ApiError as exc:
            self.event("Warning", "FailedCreate", f"Error creating: {exc.message}")
            tries = self.controller.refused[self.uid] = self.controller.refused.get(self.uid, 0) + 1
            self.controller.queue.add_after(
                self.key, min(600.0, self.controller.timing.create_retry * 2 ** (tries - 1))
            )
            return False
        self.event("Normal", "SuccessfulCreate", f"Created pod: {record.key[1]}")
        self.pods.append(view(record))
        return True

    def write(self) -> None:
        status = self.status
        active = [pod for pod in self.pods if pod.active]
        set_count(status, "active", len(active))
        status["ready"] = sum(pod.ready for pod in active)
        status["terminating"] = sum(pod.terminating for pod in self.pods)
        if self.indexed:
            set_count(status, "succeeded", len(self.completed))
        if "startTime" not in status and self.spec.get("suspend"):
            status["ready"] = 0
        written = self.store.replace(self.record, self.job)
        if written is not self.record:
            self.controller.own.add(written.version)
            self.record = written

    def settle(self, counted: list[View]) -> None:
        """The pods are let go, and what they were counted as goes into the counters."""
        self.release(counted)
        uncounted = self.status["uncountedTerminatedPods"]
        for name in ("succeeded", "failed"):
            set_count(self.status, name, int(self.status.get(name, 0)) + len(uncounted.pop(name, ())))
        self.write()
        self.controller.queue.add(self.key)

    def release(self, pods: list[View]) -> None:
        for pod in pods:
            if pod.tracked:
                self.controller.untrack((self.key[0], pod.metadata.name))

    def finish(self) -> bool:
        """Complete or Failed, when nothing of it is alive any more."""
        status = self.status
        if any(not pod.over for pod in self.pods) or self.deleting:
            return False
        if is_true(status, "SuccessCriteriaMet"):
            set_condition(status, "Complete", "True", *COMPLETED)
            status["completionTime"] = clock.now()
            self.event("Normal", "Completed", "Job completed")
            return True
        target = condition(status, "FailureTarget")
        if target:
            set_condition(status, "Failed", "True", target["reason"], target["message"])
            self.event("Warning", target["reason"], target["message"])
            return True
        return False

    def expire(self) -> None:
        seconds = self.spec.get("ttlSecondsAfterFinished")
        if seconds is None or self.deleting:
            return
        ends = [
            each["lastTransitionTime"] for each in self.status["conditions"] if each["type"] in ("Complete", "Failed")
        ]
        left = seconds - (datetime.now(UTC) - clock.read(ends[0])).total_seconds()
        if left > 0:
            self.controller.queue.add_after(self.key, left + 0.01)
            return
        self.store.remove("jobs", *self.key, Deletion("Foreground", uid=self.uid))

    def event(self, kind: str, reason: str, message: str) -> None:
        self.controller.recorder.record(self.job, kind, reason, message, COMPONENT)


def add_uid(uncounted: Obj, name: str, pod: View) -> None:
    uids = uncounted.setdefault(name, [])
    if pod.metadata.uid not in uids:
        uids.append(pod.metadata.uid)
