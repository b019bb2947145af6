"""What is on disk about the attempts of the local pool, read for everybody who asks.

    <pool>/<jobId>-<attempt>/               itself locked: somebody creates, settles or forgets the attempt (locks.py)
        attempt.json   what it is: uids, spec hash, replicas, rendezvous port; no secrets
        stop           it shall end (shim/files.py)
        launched       every replica's shim was spawned
        cpus           the CPUs its replicas are bound to, when they are
        <replica>/     itself locked: its shim lives; holds started.json, exit.json, shim.err (shim/files.py)

An empty file is what a power cut leaves of one that was not synced yet, and counts as not there.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jobs.cluster.base import ObjectRef, PodReason, PodRef
from jobs.cluster.local import locks
from jobs.identifiers import parse_pod_name


@dataclass(frozen=True, slots=True)
class AttemptState:
    uid: str
    spec_hash: str
    replicas: int
    pod_uids: tuple[str, ...]
    node: str
    boot_id: str
    working_dir: str
    master_port: int

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "AttemptState":
        values: dict[str, Any] = json.loads(text)
        return cls(**{**values, "pod_uids": tuple(values["pod_uids"])})


@dataclass(frozen=True, slots=True)
class Started:
    uid: str
    node: str
    boot_id: str
    shim_pid: int
    shim_ticks: int
    pid: int
    ticks: int
    started_ns: int


@dataclass(frozen=True, slots=True)
class Ended:
    reason: PodReason
    exit_code: int | None
    signal: int | None
    message: str
    finished_ns: int


@dataclass(frozen=True, slots=True)
class RunningPod:
    """A replica whose command runs now."""

    pid: int
    ticks: int  # when the process began: with it, the pid is no other's
    working_dir: Path
    master_port: int


def attempt_dir(pool_dir: Path, ref: ObjectRef) -> Path:
    return pool_dir / ref.name


def list_attempts(pool_dir: Path) -> list[ObjectRef]:
    """Whatever their state; entries that are no attempt's are passed over. Raises OSError."""
    if not pool_dir.exists():
        return []
    named = (parse_pod_name(f"{entry.name}-0") for entry in pool_dir.iterdir() if entry.is_dir())
    return [ObjectRef(job_id, attempt) for job_id, attempt, _replica in filter(None, named)]


def read_attempt(directory: Path) -> AttemptState | None:
    """None when there is no such attempt. Raises OSError and ValueError when it cannot be read."""
    text = read_text(directory / "attempt.json")
    return AttemptState.from_json(text) if text else None


def read_started(directory: Path) -> Started | None:
    """None as well while it is being written: the command then has not begun."""
    text = read_text(directory / "started.json")
    return Started(**json.loads(text)) if text and text.endswith("\n") else None


def read_ended(directory: Path) -> Ended | None:
    text = read_text(directory / "exit.json")
    if not text:
        return None
    values = json.loads(text)
    return Ended(**{**values, "reason": PodReason(values["reason"])})


def read_text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def running_pod(pool_dir: Path, pod: PodRef) -> RunningPod | None:
    """The pod when it runs now and, where the reference names a uid, is the one meant. Raises OSError, ValueError."""
    directory = attempt_dir(pool_dir, ObjectRef(pod.job_id, pod.attempt))
    attempt = read_attempt(directory)
    if attempt is None or pod.replica >= attempt.replicas:
        return None
    if pod.uid and attempt.pod_uids[pod.replica] != pod.uid:
        return None
    replica = directory / str(pod.replica)
    started = read_started(replica)
    if started is None or read_ended(replica) is not None or not locks.is_held(replica):
        return None
    return RunningPod(started.pid, started.ticks, Path(attempt.working_dir), attempt.master_port)
