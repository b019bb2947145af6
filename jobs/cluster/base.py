"""The port to a cluster: frozen snapshots and two protocols. Pure: no Django, no network.

The synchronous half (Cluster) is for the worker and changes things; the asynchronous half (ClusterStreams) is for
the agent and the consumers. Every error that leaves an implementation is one of jobs.cluster.errors.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from jobs.identifiers import attempt_name, pod_name


class PodPhase(StrEnum):
    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


class PodReason(StrEnum):
    """Why a pod is in its phase, in words that every implementation maps its own to."""

    NONE = ""
    COMPLETED = "Completed"
    ERROR = "Error"  # ended with a non-zero exit code, or by a signal (exit code 128 + number)
    OOM_KILLED = "OOMKilled"
    START_ERROR = "StartError"  # the command could not be started: message says why
    STOPPED = "Stopped"  # ended because delete_attempt asked for it
    EVICTED = "Evicted"
    PREEMPTED = "Preempted"
    NODE_LOST = "NodeLost"
    LOST = "Lost"  # its supervisor vanished without saying how it ended


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One attempt of one job on its cluster. `uid` is the cluster's own once it is known, else empty."""

    job_id: str
    attempt: int
    uid: str = ""

    @property
    def name(self) -> str:
        return attempt_name(self.job_id, self.attempt)


@dataclass(frozen=True, slots=True)
class PodRef:
    job_id: str
    attempt: int
    replica: int
    uid: str = ""

    @property
    def name(self) -> str:
        return pod_name(self.job_id, self.attempt, self.replica)


@dataclass(frozen=True, slots=True)
class Resources:
    """What one replica asks for; 0 is "did not ask"."""

    cpu_millis: int = 0
    memory_bytes: int = 0
    gpus: int = 0
    gpu_type: str = ""
    shared_memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class DataSource:
    type: str  # pvc, nfs, emptyDir, configMap
    name: str
    source_path: str
    mount_path: str
    read_only: bool
    size_limit_bytes: int


@dataclass(frozen=True, slots=True)
class AttemptSpec:
    ref: ObjectRef
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...] = ()
    envs: tuple[tuple[str, str], ...] = ()
    secret_envs: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    working_dir: str = ""
    replicas: int = 1
    resources: Resources = Resources()
    data_sources: tuple[DataSource, ...] = ()
    grace_seconds: float = 30.0
    image_pull_secret: str = ""
    queue: str = ""
    spec_hash: str = ""


@dataclass(frozen=True, slots=True)
class PodSnapshot:
    """One replica as seen now. `exit_code` is set exactly when the phase is Succeeded or Failed and it is known."""

    ref: PodRef
    phase: PodPhase
    node: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    reason: PodReason = PodReason.NONE
    message: str = ""

    @property
    def is_over(self) -> bool:
        return self.phase in (PodPhase.SUCCEEDED, PodPhase.FAILED)


@dataclass(frozen=True, slots=True)
class AttemptSnapshot:
    ref: ObjectRef
    replicas: int
    pods: tuple[PodSnapshot, ...]

    @property
    def all_running(self) -> bool:
        return len(self.pods) == self.replicas and all(pod.phase is PodPhase.RUNNING for pod in self.pods)

    @property
    def all_over(self) -> bool:
        """Nothing of the attempt runs any more, or ever will."""
        return len(self.pods) == self.replicas and all(pod.is_over for pod in self.pods)

    @property
    def all_succeeded(self) -> bool:
        return self.all_over and all(pod.phase is PodPhase.SUCCEEDED for pod in self.pods)


@dataclass(frozen=True, slots=True)
class Present:
    snapshot: AttemptSnapshot


@dataclass(frozen=True, slots=True)
class Absent:
    """Proven not to be there: from a complete list or a plain "not found", never from an error."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing can be said; ends no job. `why` is for the log and for people."""

    why: str


Observation = Present | Absent | Unknown


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the pool has in all; None is "not known" or "no limit"."""

    cpu_millis: int | None
    memory_bytes: int | None
    gpus: int | None


@dataclass(frozen=True, slots=True)
class Hint:
    """Something about this job changed, or may have."""

    job_id: str


class Cluster(Protocol):
    """One per pool. Methods may be called from several threads and processes at once."""

    def create_attempt(self, spec: AttemptSpec) -> ObjectRef:
        """Start the attempt, or adopt what an earlier call for the same ref and spec_hash started: never twice.

        Raises Conflict when the name is taken by something else, Invalid or Forbidden when the cluster refuses it
        for good, Unavailable when it may or may not have taken effect (call again)."""

    def observe(self, refs: Sequence[ObjectRef]) -> Mapping[ObjectRef, Observation]:
        """Every ref has an entry. Raises nothing of the cluster's: what cannot be seen is Unknown."""

    def delete_attempt(self, ref: ObjectRef, *, grace_seconds: float) -> None:
        """Ask the whole attempt to end: TERM, then KILL after the grace. Returns at once; observe() tells when it
        has happened. Calling it again is harmless; a ref that is not there is success. Raises Unavailable."""

    def forget_attempt(self, ref: ObjectRef) -> None:
        """Remove what is left of an attempt that is over and recorded. Logs stay. Raises Unavailable."""

    def list_attempts(self) -> Sequence[ObjectRef]:
        """Every attempt of this platform that is there, over or not. Raises Unavailable."""

    def capacity(self) -> Capacity:
        """Raises Unavailable."""


class ExecSession(Protocol):
    """A shell on a terminal inside a pod. Close it, always: aclose() leaves no process behind."""

    async def read(self) -> bytes:
        """Up to 64 KiB of output as soon as there is any; b"" at the end. Nothing is read from the terminal between
        calls, so that who does not read slows the writer instead of filling memory."""

    async def write(self, data: bytes) -> None: ...

    async def resize(self, *, cols: int, rows: int) -> None: ...

    async def wait(self) -> int:
        """The shell's exit code; 128 + number when a signal ended it. Raises NotFound when the pod ended first."""

    async def aclose(self) -> None: ...


class ClusterStreams(Protocol):
    def watch(self) -> AsyncIterator[Hint]:
        """Hints until cancelled; may miss some and repeat some."""

    async def open_exec(
        self, pod: PodRef, *, command: Sequence[str], env: Mapping[str, str], cols: int, rows: int
    ) -> ExecSession:
        """An empty command is the pod's usual shell. Raises NotFound when the pod with that uid does not run,
        Unavailable when the cluster cannot be reached."""
