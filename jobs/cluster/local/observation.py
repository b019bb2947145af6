"""Seeing an attempt as its files and locks show it now. A look that is refused is Unknown, never Absent."""

from datetime import UTC, datetime
from pathlib import Path

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
    Unknown,
)
from jobs.cluster.errors import NotFound, Unavailable
from jobs.cluster.local import locks
from jobs.cluster.local.places import Places
from jobs.cluster.local.settlement import settle
from jobs.cluster.local.state import AttemptState, Ended, Started, attempt_dir, read_attempt, read_ended, read_started


def observe(places: Places, ref: ObjectRef) -> Observation:
    try:
        return look(places, ref)
    except NotFound:
        return Absent()
    except (OSError, ValueError, TypeError, KeyError, Unavailable) as exc:
        return Unknown(f"{ref.name}: {exc}")


def look(places: Places, ref: ObjectRef) -> Observation:
    if not places.pool_dir.is_dir():
        return Unknown(f"{places.pool_dir} is not there: is its disk mounted?")
    directory = attempt_dir(places.pool_dir, ref)
    state = read_attempt(directory)
    if state is None or ref.uid not in ("", state.uid):
        return Absent()
    endings = {replica: read_ended(directory / str(replica)) for replica in range(state.replicas)}
    missing = [replica for replica, ended in endings.items() if ended is None]
    if missing:
        endings |= settle_all(places, ref, state, missing)
    pods = tuple(snapshot(directory, state, ref, replica, endings[replica]) for replica in range(state.replicas))
    return Present(AttemptSnapshot(ObjectRef(ref.job_id, ref.attempt, state.uid), state.replicas, pods))


def settle_all(places: Places, ref: ObjectRef, state: AttemptState, replicas: list[int]) -> dict[int, Ended | None]:
    """While somebody else works on the attempt, it is shown as its files have it: the next look settles it."""
    try:
        with locks.mutex(attempt_dir(places.pool_dir, ref), patience_s=0):
            return {replica: settle(places, ref, state, replica) for replica in replicas}
    except locks.Busy:
        return {}


def snapshot(directory: Path, state: AttemptState, ref: ObjectRef, replica: int, ended: Ended | None) -> PodSnapshot:
    own = directory / str(replica)
    started = read_started(own)
    pod = PodRef(ref.job_id, ref.attempt, replica, state.pod_uids[replica])
    if ended is None and not own.is_dir() and (directory / "stop").exists():
        return PodSnapshot(pod, PodPhase.FAILED, state.node, reason=PodReason.STOPPED, message="never started")
    if ended is None:
        phase = PodPhase.RUNNING if started else PodPhase.PENDING
        return PodSnapshot(pod, phase, state.node, started_at=start_time(started))
    return PodSnapshot(
        pod,
        PodPhase.SUCCEEDED if ended.reason is PodReason.COMPLETED else PodPhase.FAILED,
        state.node,
        started_at=start_time(started),
        finished_at=moment(ended.finished_ns),
        exit_code=ended.exit_code,
        reason=ended.reason,
        message=ended.message,
    )


def start_time(started: Started | None) -> datetime | None:
    return moment(started.started_ns) if started else None


def moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, UTC)
