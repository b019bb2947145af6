"""The three resources that a pool's watch follows, and what it tells of their objects. Pure.

Pods tell how an attempt goes, Jobs what their controller decided, events why something waits or was refused.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Generic, TypeVar

from jobs.cluster.base import Hint, PodPhase, PodSnapshot
from jobs.cluster.kubernetes import wire
from jobs.cluster.kubernetes.cache import Seen
from jobs.cluster.kubernetes.labels import OURS, ref_of
from jobs.cluster.kubernetes.notices import notice
from jobs.cluster.kubernetes.pod_states import DISRUPTED
from jobs.cluster.kubernetes.snapshots import failed_since, is_final, pod_of
from jobs.identifiers import attempt_name

T = TypeVar("T", bound=wire.Job | wire.Pod | wire.Event)


class Followed(Generic[T]):
    """One resource: where it is, and how its objects become hints."""

    name: str
    group: str
    selector: str
    kind: type[T]

    def path(self, namespace: str) -> str:
        return f"{self.group}/namespaces/{namespace}/{self.name}"

    def key(self, found: T) -> str:
        return found.metadata.uid

    def seen(self, found: T, kept: Any = None) -> Seen | None:
        """None when it is not the platform's. `kept`: what is known of it so far."""
        raise NotImplementedError

    def deleted(self, found: T, kept: Any = None) -> Hint | None:
        """The server says that it has gone; this is its last state."""
        return None

    def vanished(self, kept: Any) -> Hint | None:
        """It has gone, and nobody saw its last state."""
        return None


@dataclass(frozen=True, slots=True)
class KeptJob:
    job_id: str
    uid: str
    job: wire.Job  # what the states of its pods depend on, and nothing else


class FollowedJobs(Followed[wire.Job]):
    name = "jobs"
    group = "/apis/batch/v1"
    selector = OURS
    kind = wire.Job

    def key(self, found: wire.Job) -> str:
        return found.metadata.name

    def seen(self, found: wire.Job, kept: KeptJob | None = None) -> Seen | None:
        ref = ref_of(found.metadata.labels)
        if ref is None:
            return None
        state = KeptJob(ref.job_id, found.metadata.uid, essence(found))
        steady = not (is_final(found) or failed_since(found) or found.metadata.deletion_timestamp)
        return Seen(self.key(found), state, Hint(ref.job_id), steady)

    def deleted(self, found: wire.Job, kept: KeptJob | None = None) -> Hint | None:
        ref = ref_of(found.metadata.labels)
        return Hint(ref.job_id) if ref else None

    def vanished(self, kept: KeptJob) -> Hint | None:
        return Hint(kept.job_id)


def essence(job: wire.Job) -> wire.Job:
    meta = job.metadata
    if not (meta.deletion_timestamp or meta.finalizers or job.status.conditions):
        return plain(job.spec.completions, job.spec.parallelism, job.spec.suspend)
    return wire.Job(
        metadata=wire.Meta(deletion_timestamp=meta.deletion_timestamp, finalizers=meta.finalizers),
        spec=wire.JobSpec(job.spec.parallelism, job.spec.completions, job.spec.suspend),
        status=wire.JobStatus(conditions=job.status.conditions),
    )


@cache
def plain(completions: int | None, parallelism: int | None, suspend: bool | None) -> wire.Job:
    """Shared by the many Jobs that simply run."""
    return wire.Job(metadata=wire.Meta(), spec=wire.JobSpec(parallelism, completions, suspend))


class FollowedPods(Followed[wire.Pod]):
    """`job_named` gives what is known of a Job, so that a pod that was told to end can say by whom. A pod that was seen
    to be over before it was told to end is not asked again: the API's whole seconds cannot tell which came first."""

    name = "pods"
    group = "/api/v1"
    selector = OURS
    kind = wire.Pod

    def __init__(self, job_named: Callable[[str], wire.Job | None]) -> None:
        self.job_named = job_named

    def seen(self, found: wire.Pod, kept: PodSnapshot | None = None) -> Seen | None:
        state = kept if kept and is_settled(kept) else self.state(found)
        return Seen(self.key(found), state, Hint(state.ref.job_id, pod=state)) if state else None

    def deleted(self, found: wire.Pod, kept: PodSnapshot | None = None) -> Hint | None:
        """A pod that is gone is over, also when it was taken away before it had said so."""
        if kept and is_settled(kept):
            return self.vanished(kept)
        if found.status.phase not in ("Succeeded", "Failed"):
            found.status.phase = "Failed"
            found.metadata.deletion_timestamp = found.metadata.deletion_timestamp or datetime.now(UTC)
        state = self.state(found)
        return Hint(state.ref.job_id, pod=state, gone=True) if state else None

    def vanished(self, kept: PodSnapshot) -> Hint | None:
        return Hint(kept.ref.job_id, pod=kept, gone=True)

    def state(self, found: wire.Pod) -> PodSnapshot | None:
        ref = ref_of(found.metadata.labels)
        state = pod_of(found, self.job_named(attempt_name(ref.job_id, ref.attempt))) if ref else None
        return lasting(state) if state else None


def is_settled(state: PodSnapshot) -> bool:
    return state.is_over and not state.terminating


def lasting(state: PodSnapshot) -> PodSnapshot:
    """Without what no longer matters once a pod runs; the names that many pods share are held once."""
    told = state.conditions
    if state.phase is not PodPhase.PENDING:
        told = tuple(one for one in told if one.type == DISRUPTED)
    return replace(state, node=sys.intern(state.node), conditions=told)


class FollowedEvents(Followed[wire.Event]):
    """Of the whole namespace: no selector of the API fits the events of many objects. Of those of others nothing is
    kept. That an event has gone means nothing but that it is old."""

    name = "events"
    group = "/api/v1"
    selector = ""
    kind = wire.Event

    def seen(self, found: wire.Event, kept: Any = None) -> Seen | None:
        about = notice(found)
        if about is None:
            return None
        job_id, told = about
        return Seen(self.key(found), hash((told.count, told.at, told.message)), Hint(job_id, notice=told))
