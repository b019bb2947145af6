"""What the contract's tests need of an implementation: a cluster, specs that it can run, a way to wait and to read."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from jobs.cluster.base import (
    Absent,
    AttemptSnapshot,
    AttemptSpec,
    Cluster,
    ClusterStreams,
    ObjectRef,
    PodReason,
    PodSnapshot,
    Present,
)
from jobs.cluster.local.cluster import LocalCluster
from jobs.cluster.local.streams import LocalStreams
from jobs.identifiers import new_job_id
from jobs.logs.format import index_path, log_path, pod_dir

T = TypeVar("T")
PYTHON = sys.executable
PATIENCE_S = 30.0


def eventually(
    look: Callable[[], T | None], what: str = "it", *, patience: float = PATIENCE_S, pause: float = 0.002
) -> T:
    """The first answer that is true; fails when there is none for half a minute."""
    deadline = time.monotonic() + patience
    while not (answer := look()):
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(pause)
    return answer


def spec(*command: str, **fields: Any) -> AttemptSpec:
    ref = ObjectRef(fields.pop("job_id", None) or new_job_id(), fields.pop("attempt", 1))
    made = AttemptSpec(ref=ref, image="python:3.12", command=command, spec_hash="hash", grace_seconds=5.0)
    return replace(made, **fields)


class World:
    """One cluster and its surroundings."""

    cluster: Cluster
    patience = PATIENCE_S
    pause = 0.002

    def output(self, ref: ObjectRef, replica: int = 0) -> bytes:
        """What a replica printed, also after its attempt is forgotten."""
        raise NotImplementedError

    def streams(self) -> ClusterStreams:
        """For the running event loop. Close it with close_streams()."""
        raise NotImplementedError

    async def close_streams(self, streams: ClusterStreams) -> None:
        """Where it holds anything."""

    def dying_by(self, signal: str) -> tuple[str, ...]:
        """A command that a signal ends."""
        return "/bin/sh", "-c", f"kill -{signal} $$"

    def eventually(self, look: Callable[[], T | None], what: str = "it") -> T:
        return eventually(look, what, patience=self.patience, pause=self.pause)

    def seen(self, ref: ObjectRef) -> AttemptSnapshot:
        observation = self.cluster.observe([ref])[ref]
        assert isinstance(observation, Present), observation
        return observation.snapshot

    def over(self, ref: ObjectRef) -> AttemptSnapshot:
        def look() -> AttemptSnapshot | None:
            snapshot = self.seen(ref)
            return snapshot if snapshot.all_over else None

        return self.eventually(look, f"the end of {ref.name}")

    def ended(self, ref: ObjectRef) -> None:
        """Wait until an attempt that was asked to end has ended: it is gone, or it says of all its replicas that they
        were stopped."""

        def look() -> bool:
            observation = self.cluster.observe([ref])[ref]
            if not isinstance(observation, Present):
                return isinstance(observation, Absent)
            pods = observation.snapshot.pods
            return observation.snapshot.all_over and {pod.reason for pod in pods} == {PodReason.STOPPED}

        self.eventually(look, f"the stop of {ref.name}")

    def run(self, made: AttemptSpec) -> PodSnapshot:
        """Create, wait for the end, and answer the first pod."""
        return self.over(self.cluster.create_attempt(made)).pods[0]

    def running(self, made: AttemptSpec) -> ObjectRef:
        """Create, and wait until every replica has printed something."""
        ref = self.cluster.create_attempt(made)
        for replica in range(made.replicas):
            self.eventually(lambda replica=replica: self.output(ref, replica), f"output of {ref.name}")  # type: ignore[misc]
        self.eventually(lambda: self.seen(ref).all_running, f"the running of {ref.name}")
        return ref


class LocalWorld(World):
    def __init__(self, root: Path, *, max_log_bytes: int = 10 << 30) -> None:
        self.root = root
        self.pool, self.logs, self.work = root / "pool", root / "logs", root / "work"
        self.hint_socket = root / "run" / "hints.sock"
        self.cluster: LocalCluster = self.make(max_log_bytes)

    def make(self, max_log_bytes: int = 10 << 30) -> LocalCluster:
        return LocalCluster(
            pool_dir=self.pool,
            log_dir=self.logs,
            work_dir=self.work,
            hint_socket=self.hint_socket,
            max_log_bytes=max_log_bytes,
        )

    def streams(self) -> LocalStreams:
        return LocalStreams(pool_dir=self.pool, hint_socket=self.hint_socket)

    def output(self, ref: ObjectRef, replica: int = 0) -> bytes:
        path = log_path(self.log_dir(ref, replica))
        return path.read_bytes() if path.exists() else b""

    def index(self, ref: ObjectRef, replica: int = 0) -> bytes:
        return index_path(self.log_dir(ref, replica)).read_bytes()

    def log_dir(self, ref: ObjectRef, replica: int = 0) -> Path:
        return pod_dir(self.logs, ref.job_id, ref.attempt, replica)

    def state_dir(self, ref: ObjectRef, replica: int = 0) -> Path:
        return self.pool / ref.name / str(replica)

    def end_all(self) -> None:
        """Nothing of a test outlives it."""
        for directory in self.pool.glob("job-*"):
            job_id, _, attempt = directory.name.rpartition("-")
            ref = ObjectRef(job_id, int(attempt))
            self.cluster.delete_attempt(ref, grace_seconds=0)
            eventually(lambda ref=ref: self.is_over(ref), f"the end of {ref.name}")  # type: ignore[misc]

    def is_over(self, ref: ObjectRef) -> bool:
        observation = self.cluster.observe([ref])[ref]
        return not isinstance(observation, Present) or observation.snapshot.all_over
