"""The local pool: jobs as process groups on this very machine, each replica under a shim of its own (shim/).

Everything it knows is in files and in locks that the kernel keeps, so any number of threads and processes may use it at
once, and every one of them may die at any point.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from jobs.cluster.base import AttemptSpec, Capacity, ObjectRef, Observation
from jobs.cluster.local import creation, ending, observation, state
from jobs.cluster.local.placement import machine_cpus
from jobs.cluster.local.places import Places
from jobs.cluster.local.shim.output import SEGMENT_BYTES
from jobs.cluster.local.spawn import reap


class LocalCluster:
    """The synchronous half of the port for this machine; jobs.cluster.base.Cluster says what its methods promise."""

    concurrency = 1

    def __init__(
        self,
        *,
        pool_dir: Path,
        log_dir: Path,
        work_dir: Path,
        hint_socket: Path,
        max_log_bytes: int = 10 << 30,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.places = Places(pool_dir, log_dir, work_dir, hint_socket, max_log_bytes, segment_bytes)

    def create_attempt(self, spec: AttemptSpec) -> ObjectRef:
        state = creation.create(self.places, spec)
        return ObjectRef(spec.ref.job_id, spec.ref.attempt, state.uid)

    def observe(self, refs: Sequence[ObjectRef]) -> Mapping[ObjectRef, Observation]:
        reap()
        return {ref: observation.observe(self.places, ref) for ref in refs}

    def delete_attempt(self, ref: ObjectRef, *, grace_seconds: float) -> None:
        ending.stop(self.places, ref, grace_seconds)

    def forget_attempt(self, ref: ObjectRef) -> None:
        reap()
        ending.forget(self.places, ref)

    def list_attempts(self) -> Sequence[ObjectRef]:
        return state.list_attempts(self.places.pool_dir)

    def capacity(self) -> Capacity:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return Capacity(cpu_millis=1000 * len(machine_cpus()), memory_bytes=memory, gpus=0)
