"""One claimed job on its way through a pass, with the rows it needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import prefetch_related_objects

from jobs.cluster.base import AttemptSnapshot, ObjectRef, Observation, Present
from jobs.models import Attempt, Job, Pod
from jobs.reconcile.decide import Decision
from jobs.reconcile.specs import ref_of


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

    @property
    def calls_for_more(self) -> bool:
        return self.decision.ended is not None or self.decision.check_in == 0.0

    @property
    def snapshot(self) -> AttemptSnapshot | None:
        return self.observation.snapshot if isinstance(self.observation, Present) else None


def load(jobs: Sequence[Job]) -> list[Work]:
    """Two queries for the current attempts and their pods, however many jobs."""
    attempts = {
        (attempt.job_id, attempt.number): attempt for attempt in Attempt.objects.filter(job__in=jobs).order_by("number")
    }
    current = {job.pk: attempts.get((job.pk, job.attempt_number)) for job in jobs}
    prefetch_related_objects([attempt for attempt in current.values() if attempt], "pods")
    return [Work(job, found, pods_by_replica(found)) for job in jobs for found in (current[job.pk],)]


def pods_by_replica(attempt: Attempt | None) -> dict[int, Pod]:
    return {pod.replica: pod for pod in attempt.pods.all()} if attempt else {}
