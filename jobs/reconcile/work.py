"""One claimed job on its way through a pass, with the rows it needs."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from jobs.cluster.base import (
    Absent,
    AttemptSnapshot,
    ObjectRef,
    Observation,
    PodPhase,
    PodReason,
    PodRef,
    PodSnapshot,
    Present,
)
from jobs.models import Attempt, Job, Pod
from jobs.reconcile.decide import Decision
from jobs.reconcile.specs import ref_of

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Work:
    """One claimed job on its way through a pass."""

    job: Job
    attempt: Attempt | None
    pods: dict[int, Pod] = field(default_factory=dict)
    observation: Observation | None = None
    decision: Decision = field(default_factory=Decision)
    launched: bool = False
    error: str = ""

    @property
    def ref(self) -> ObjectRef:
        assert self.attempt is not None
        return ref_of(self.job, self.attempt)

    def fail(self, exc: Exception) -> None:
        """It alone is looked at again later, and later each time."""
        logger.error("%s could not be reconciled", self.job.public_id, exc_info=exc)
        self.error = f"{type(exc).__name__}: {exc}"[:1000].replace("\0", "")
        self.decision = Decision(check_in=min(300.0, 2.0 ** min(self.job.failures, 9)))

    @property
    def calls_for_more(self) -> bool:
        return self.decision.ended is not None or self.decision.check_in == 0.0

    @property
    def snapshot(self) -> AttemptSnapshot | None:
        return self.observation.snapshot if isinstance(self.observation, Present) else None

    @property
    def evidence(self) -> AttemptSnapshot | None:
        """What is seen of the attempt, or, when it is no longer there, what was recorded of its end."""
        return recorded(self) if isinstance(self.observation, Absent) else self.snapshot

    @property
    def logs_stored(self) -> bool:
        return logs_stored(self.pods.values())


def load(jobs: Sequence[Job]) -> list[Work]:
    """Two queries for the current attempts and their pods, however many jobs."""
    attempts = {
        (attempt.job_id, attempt.number): attempt for attempt in Attempt.objects.filter(job__in=jobs).order_by("number")
    }
    current = {job.pk: attempts.get((job.pk, job.attempt_number)) for job in jobs}
    pods = pods_by_attempt([attempt for attempt in current.values() if attempt])
    return [Work(job, found, pods.get(found.pk, {}) if found else {}) for job in jobs for found in (current[job.pk],)]


def logs_stored(pods: Iterable[Pod]) -> bool:
    """Whether the logs of all that ever came to be are in the platform's own store."""
    return all(pod.log_stored_at or not pod.uid for pod in pods)


def pods_by_attempt(attempts: Sequence[Attempt]) -> dict[int, dict[int, Pod]]:
    """By the attempt's key and the replica. A prefetch would make a query set for each attempt, which costs more than
    all its rows."""
    found: dict[int, dict[int, Pod]] = defaultdict(dict)
    for pod in Pod.objects.filter(attempt__in=attempts).order_by("replica"):
        found[pod.attempt_id][pod.replica] = pod
    return found


def recorded(work: Work) -> AttemptSnapshot | None:
    """The pods of the attempt that the registry knows to be over; None without an attempt."""
    if work.attempt is None:
        return None
    pods = tuple(pod_snapshot(work.ref, pod) for _replica, pod in sorted(work.pods.items()) if pod.is_over)
    return AttemptSnapshot(work.ref, work.job.replicas, pods)


def complete(work: Work) -> Observation | None:
    """The observation, with what was recorded of pods that the cluster knows only to be gone."""
    snapshot = work.snapshot
    if snapshot is None or not any(pod.is_only_gone for pod in snapshot.pods):
        return work.observation
    over = {replica: row for replica, row in work.pods.items() if row.is_over}
    pods = tuple(
        pod_snapshot(work.ref, over[pod.ref.replica]) if pod.is_only_gone and pod.ref.replica in over else pod
        for pod in snapshot.pods
    )
    return Present(replace(snapshot, pods=pods))


def pod_snapshot(ref: ObjectRef, pod: Pod) -> PodSnapshot:
    return PodSnapshot(
        PodRef(ref.job_id, ref.attempt, pod.replica, pod.uid),
        PodPhase(pod.phase),
        node=pod.node,
        started_at=pod.started_at,
        finished_at=pod.finished_at,
        exit_code=pod.exit_code,
        reason=PodReason(pod.reason),
        message=pod.message,
    )
