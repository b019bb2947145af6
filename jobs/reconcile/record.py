"""Writes what was observed: pods, their events, and the attempt's times. Called inside the pass's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs import news
from jobs.cluster.base import AttemptSnapshot, PodPhase, PodSnapshot
from jobs.cluster.diagnosis import params_of
from jobs.events import platform_event
from jobs.models import Attempt, Event, Job, Pod
from jobs_platform.inserts import insert_all
from jobs_platform.updates import update_each

FIELDS = ("uid", "phase", "ready", "node", "exit_code", "reason", "message", "started_at", "finished_at", "observed_at")


@dataclass(frozen=True, slots=True)
class Change:
    pod: Pod
    events: tuple[Event, ...]


def pods(
    job: Job, attempt: Attempt, shown: Sequence[PodSnapshot], rows: Mapping[int, Pod], now: datetime
) -> list[Change]:
    """Applies what was seen to the rows (by replica); answers those that changed, with the events that tell of it."""
    changes = []
    for seen in shown:
        row = rows.get(seen.ref.replica)
        if row is None or row.is_over or same(row, seen):
            continue
        events = tuple(events_of(job, attempt, row, seen, now))
        copy(row, seen, now)
        changes.append(Change(row, events))
    return changes


def same(row: Pod, seen: PodSnapshot) -> bool:
    return (row.phase, row.uid, row.reason) == (seen.phase.value, seen.ref.uid, seen.reason.value)


def copy(row: Pod, seen: PodSnapshot, now: datetime) -> None:
    """What is known only to be gone has no uid, node or start of its own, and one whose end nobody saw no start: those
    of the pod that was there stay, as its log is still to be had under them."""
    is_another = seen.ref.uid not in ("", row.uid)
    row.uid = seen.ref.uid or row.uid
    row.phase = seen.phase.value
    row.ready = seen.phase is PodPhase.RUNNING
    row.node = seen.node or row.node
    row.exit_code = seen.exit_code
    row.reason = seen.reason.value
    row.message = seen.message
    row.started_at = seen.started_at or (None if is_another else row.started_at)
    row.finished_at = seen.finished_at
    row.observed_at = now


def events_of(job: Job, attempt: Attempt, row: Pod, seen: PodSnapshot, now: datetime) -> list[Event]:
    events = []
    if row.started_at is None and seen.started_at is not None:
        events.append(pod_event(job, attempt, row, "Started", {}, at=seen.started_at))
    if seen.is_over:
        failed = seen.phase is PodPhase.FAILED
        params = params_of(seen) if failed else {}
        name = "PodFailed" if failed else "PodSucceeded"
        events.append(pod_event(job, attempt, row, name, params, warning=failed, at=seen.finished_at or now))
    return events


def pod_event(
    job: Job, attempt: Attempt, row: Pod, reason: str, params: dict[str, Any], *, at: datetime, warning: bool = False
) -> Event:
    return platform_event(
        job_pk=job.pk,
        reason=reason,
        params=params,
        warning=warning,
        attempt=attempt.number,
        pod_name=row.name,
        at=at,
    )


def save(changes: Sequence[Change]) -> None:
    """What somebody else recorded as over since it was read stays as it is."""
    done = update_each(
        Pod,
        [(change.pod.pk, *(getattr(change.pod, name) for name in FIELDS)) for change in changes],
        match=("id",),
        change=FIELDS,
        where="t.phase NOT IN ('Succeeded', 'Failed')",
    )
    events = [event for change in changes if change.pod.pk in done for event in change.events]
    insert_all(events)
    news.of_jobs({change.pod.job_id for change in changes if change.pod.pk in done})


def started_at(snapshot: AttemptSnapshot) -> datetime | None:
    """When the last of its pods began to run; None while one has not."""
    times = [pod.started_at for pod in snapshot.pods]
    known = [time for time in times if time is not None]
    return max(known) if known and len(known) == snapshot.replicas else None


def finished_at(snapshot: AttemptSnapshot | None, now: datetime) -> datetime:
    times = [pod.finished_at for pod in snapshot.pods if pod.finished_at] if snapshot else []
    return max(times, default=now)
