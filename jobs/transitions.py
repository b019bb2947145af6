"""The only writer of Job.status.

Any process may run this at any time for the same job. Each move is one guarded UPDATE (id, version, and a status the
table of transitions allows to leave); a row count of 0 means somebody else was first, and nothing of the move is
written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from jobs.events import platform_event
from jobs.models import Event, Job
from jobs.states import FINAL, TRANSITIONS, JobStatus

SOURCES = {new: tuple(old.value for old in JobStatus if new in TRANSITIONS[old]) for new in JobStatus}
WARNINGS = frozenset({JobStatus.FAILED})


@dataclass(frozen=True, slots=True)
class Move:
    """`event` is the reason of the event that tells of it (default: `reason`); `columns` are further columns of the
    row."""

    job_pk: int
    version: int
    new: JobStatus
    reason: str
    params: dict[str, Any] = field(default_factory=dict)
    event: str = ""
    event_params: dict[str, Any] | None = None
    attempt: int | None = None
    columns: dict[str, Any] = field(default_factory=dict)


def apply(move: Move, now: datetime) -> bool:
    """False when the job has changed meanwhile: re-read it and decide again."""
    return bool(apply_all([move], now))


def apply_all(moves: Sequence[Move], now: datetime) -> list[Move]:
    """Those of the moves that were made, in order; their events are written with them, in one transaction. Two moves of
    one job may follow each other: the second one gives the version the first one leaves."""
    if not moves:
        return []
    with transaction.atomic(savepoint=False):
        made = [move for move in moves if guarded_update(move, now)]
        Event.objects.bulk_create(event_of(move, now) for move in made)
    return made


def guarded_update(move: Move, now: datetime) -> bool:
    columns: dict[str, Any] = {
        "status": move.new.value,
        "status_reason": move.reason,
        "status_params": move.params,
        "version": F("version") + 1,
        **move.columns,
    }
    if move.new in FINAL:
        columns.setdefault("finished_at", now)
    rows = Job.objects.filter(pk=move.job_pk, version=move.version, status__in=SOURCES[move.new]).update(**columns)
    return rows == 1


def event_of(move: Move, now: datetime) -> Event:
    return platform_event(
        job_pk=move.job_pk,
        reason=move.event or move.reason,
        params=move.params if move.event_params is None else move.event_params,
        warning=move.new in WARNINGS,
        attempt=move.attempt,
        at=now,
    )


def explain(job_pk: int, *, version: int, reason: str, params: dict[str, Any]) -> bool:
    """Change why the job is where it is, not where it is."""
    rows = Job.objects.filter(pk=job_pk, version=version).exclude(status__in=[s.value for s in FINAL])
    return rows.update(status_reason=reason, status_params=params) == 1


def explain_all(items: Iterable[tuple[Job, str, dict[str, Any]]]) -> None:
    """Writes only what differs from the row as read."""
    for job, reason, params in items:
        if (job.status_reason, job.status_params) != (reason, params):
            explain(job.pk, version=job.version, reason=reason, params=params)
