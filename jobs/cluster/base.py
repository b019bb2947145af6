"""The port to a cluster: frozen snapshots and two protocols. Pure: no Django, no network.

The synchronous half (Cluster) is for the worker and changes things; the asynchronous half (ClusterStreams) is for
the agent and the consumers. Every error that leaves an implementation is one of jobs.cluster.errors.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from jobs.identifiers import attempt_name, pod_name
from jobs.logs.position import LogPosition as LogPosition
from jobs.logs.position import Times

# In the environment of a shell and of all that it starts: by its value they are found when they are to end.
EXEC_MARK = "JOBS_PLATFORM_TERMINAL"


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
    STOPPED = "Stopped"  # ended because delete_attempt asked for it, or by the cluster after a peer: never a cause
    EVICTED = "Evicted"
    PREEMPTED = "Preempted"
    NODE_LOST = "NodeLost"
    LOST = "Lost"  # its supervisor vanished without saying how it ended
    DELETED = "Deleted"  # somebody other than the platform deleted it
    DEADLINE = "DeadlineExceeded"  # the cluster's own time limit for it passed


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
    max_run_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a pod, a Job or a Kueue Workload, in the cluster's own words. `status` None is "Unknown"."""

    type: str
    status: bool | None
    reason: str = ""
    message: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """An event of the cluster about an attempt or one of its pods. A repeat has the same `object_uid`, reason and
    message, and a higher count."""

    object_uid: str
    reason: str
    message: str
    at: datetime  # the last time
    first_at: datetime
    count: int = 1
    warning: bool = False
    attempt: int = 0  # 0: not known
    replica: int | None = None  # None: about the attempt as a whole
    source: str = ""  # the component that reports it


@dataclass(frozen=True, slots=True)
class PodSnapshot:
    """One replica as seen now. `exit_code` is set exactly when the phase is Succeeded or Failed and it is known.

    `waiting_reason` and `waiting_message` are the cluster's words for why its container does not run yet; `conditions`
    are the pod's (of a cluster that has such). `terminating`: it was asked to end, by whomever; where the cluster says
    what takes it away, `reason` tells before it is over."""

    ref: PodRef
    phase: PodPhase
    node: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    reason: PodReason = PodReason.NONE
    message: str = ""
    waiting_reason: str = ""
    waiting_message: str = ""
    conditions: tuple[Condition, ...] = ()
    terminating: bool = False
    memory_limit_bytes: int = 0

    @property
    def is_over(self) -> bool:
        return self.phase in (PodPhase.SUCCEEDED, PodPhase.FAILED)

    @property
    def is_only_gone(self) -> bool:
        """Nothing is known of it but that it is not there any more."""
        return self.is_over and self.exit_code is None and not self.ref.uid


@dataclass(frozen=True, slots=True)
class AttemptSnapshot:
    """`pods` has an entry for each replica that there is anything to say of. `conditions` are those of the attempt's
    own object, `admission` those of its Kueue Workload, `notices` what the cluster reported where that is needed to
    explain why pods are missing. `ends_peers`: the cluster itself ends what is left of an attempt when a pod of it
    fails. `going_down`: the attempt is being taken down already, by whomever."""

    ref: ObjectRef
    replicas: int
    pods: tuple[PodSnapshot, ...]
    conditions: tuple[Condition, ...] = ()
    admission: tuple[Condition, ...] = ()
    notices: tuple[Notice, ...] = ()
    suspended: bool = False
    ends_peers: bool = False
    going_down: bool = False

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
    """Something about this job changed, or may have. A cluster that keeps neither its events nor its pods' last words
    sends them along: `pod` as it is now, or, with `gone`, as it was last seen before it went away."""

    job_id: str
    pod: PodSnapshot | None = None
    gone: bool = False
    notice: Notice | None = None


@dataclass(frozen=True, slots=True)
class LogLines:
    """What a container printed, byte for byte, and when: `times` has (offset, nanoseconds since 1970) pairs, the first
    at 0, and none without data. Each is exactly the time of the line at its offset; lines of about the same time share
    one, but the last line, with those before it of just its time, has its own: LogPosition counts from there. The data
    begins and ends anywhere in a line. `gap`: before it something may be missing."""

    data: bytes
    times: Times = ()
    gap: bool = False


class Cluster(Protocol):
    """One per pool. Methods may be called from several threads and processes at once; `concurrency` is how many calls
    of one pass are worth having under way together: 1 where a call is no wait."""

    concurrency: int

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
        """The shell's exit code; 128 + number when a signal ended it. It may come only when the output was read to its
        end. Raises NotFound when the pod ended first, Unavailable when the connection to the shell was lost."""

    async def aclose(self) -> None: ...


class ClusterStreams(Protocol):
    def watch(self) -> AsyncIterator[Hint]:
        """Hints until cancelled; may miss some and repeat some. Begins with one for everything that is there, where the
        cluster has a list of it."""

    def watched_at(self) -> datetime | None:
        """When the watch last proved that it sees the cluster; None when it has not yet."""

    def follow_logs(self, pod: PodRef, *, since: LogPosition | None) -> AsyncGenerator[LogLines, None]:
        """What a pod's container printed after the position, and then what it prints, until it has ended and all of it
        was given. For a cluster that keeps the logs itself; others raise Invalid. Reconnects by itself. Raises NotFound
        when the pod with that uid, or its log, is not there (any more), Unavailable when the cluster was not to be
        reached for a while: go on later from the last position."""

    async def open_exec(
        self, pod: PodRef, *, command: Sequence[str], env: Mapping[str, str], cols: int, rows: int
    ) -> ExecSession:
        """An empty command is the pod's usual shell. `env` may hold an EXEC_MARK of the caller's, by which others can
        end what is left of the shell when its server was killed; a cluster with a better way uses its own. Raises
        NotFound when the pod with that uid does not run, Unavailable when the cluster cannot be reached."""
