"""A cluster in memory that does what it is told, and shows what a test wants shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.utils import timezone

from jobs.cluster.base import (
    Absent,
    AttemptSnapshot,
    AttemptSpec,
    Capacity,
    ObjectRef,
    Observation,
    PodPhase,
    PodReason,
    PodRef,
    PodSnapshot,
    Present,
    Unknown,
)
from jobs.cluster.errors import ClusterError


@dataclass
class World:
    attempts: dict[str, list[PodSnapshot]] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    refuse: ClusterError | None = None
    blind: bool = False
    crash: set[str] = field(default_factory=set)
    concurrency: int = 1

    def create_attempt(self, spec: AttemptSpec) -> ObjectRef:
        if self.refuse:
            raise self.refuse
        if spec.ref.job_id in self.crash:
            raise ZeroDivisionError("poison")
        if spec.ref.name not in self.attempts:
            self.created.append(spec.ref.name)
            self.attempts[spec.ref.name] = [
                PodSnapshot(PodRef(spec.ref.job_id, spec.ref.attempt, n, f"uid{n}"), PodPhase.PENDING)
                for n in range(spec.replicas)
            ]
        return replace(spec.ref, uid="u")

    def observe(self, refs: Sequence[ObjectRef]) -> Mapping[ObjectRef, Observation]:
        return {ref: self.look(ref) for ref in refs}

    def look(self, ref: ObjectRef) -> Observation:
        if self.blind:
            return Unknown("no answer")
        pods = self.attempts.get(ref.name)
        return Absent() if pods is None else Present(AttemptSnapshot(ref, len(pods), tuple(pods)))

    def delete_attempt(self, ref: ObjectRef, *, grace_seconds: float) -> None:
        self.end(ref.name, PodPhase.FAILED, PodReason.STOPPED, 143)

    def forget_attempt(self, ref: ObjectRef) -> None:
        self.attempts.pop(ref.name, None)

    def list_attempts(self) -> Sequence[ObjectRef]:
        return [ObjectRef(*self.split(name), "u") for name in self.attempts]

    def capacity(self) -> Capacity:
        return Capacity(None, None, None)

    @staticmethod
    def split(name: str) -> tuple[str, int]:
        job_id, _, number = name.rpartition("-")
        return job_id, int(number)

    def run(self, name: str) -> None:
        now = timezone.now()
        self.attempts[name] = [replace(pod, phase=PodPhase.RUNNING, started_at=now) for pod in self.attempts[name]]

    def end(self, name: str, phase: PodPhase, reason: PodReason, code: int, *, only: int | None = None) -> None:
        now = timezone.now()
        self.attempts[name] = [
            pod
            if pod.is_over or (only is not None and pod.ref.replica != only)
            else replace(pod, phase=phase, reason=reason, exit_code=code, finished_at=now, started_at=now)
            for pod in self.attempts.get(name, [])
        ]
