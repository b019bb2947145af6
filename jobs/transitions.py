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
    """Those of the moves that were made; their events are written with them, in one transaction. Two moves of one job
    may follow each other: the second one gives the version the first one leaves."""
    if not moves:
        return []
    with transaction.atomic(savepoint=False):
        made = [move for group in alike(moves) for move in make(group, now)]
        Event.objects.bulk_create(event_of(move, now) for move in made)
    return made


def alike(moves: Sequence[Move]) -> Iterable[Sequence[Move]]:
    """Moves that write the same into their rows, together: one UPDATE makes them all."""
    groups: dict[tuple[str, ...], list[Move]] = {}
    for move in moves:
        written = (move.version, move.new, move.reason, move.params, sorted(move.columns.items()))
        groups.setdefault(tuple(map(repr, written)), []).append(move)
    return groups.values()


def make(group: Sequence[Move], now: datetime) -> Sequence[Move]:
    """Those made, of moves that are alike. When one of them comes too late, they are taken one by one."""
    if len(group) > 1:
        try:
            with transaction.atomic():
                if guarded_update(group, now) != len(group):
                    raise TooLate
        except TooLate:
            return [move for move in group if guarded_update([move], now)]
        return group
    return group if guarded_update(group, now) else []


class TooLate(Exception):
    """A job of the group was moved by somebody else since it was read."""


def guarded_update(group: Sequence[Move], now: datetime) -> int:
    """How many of these moves, which are alike, were made."""
    move = group[0]
    columns: dict[str, Any] = {
        "status": move.new.value,
        "status_reason": move.reason,
        "status_params": move.params,
        "version": F("version") + 1,
        **move.columns,
    }
    if move.new in FINAL:
        columns.setdefault("finished_at", now)
    jobs = Job.objects.filter(pk__in=[one.job_pk for one in group], version=move.version, status__in=SOURCES[move.new])
    return jobs.update(**columns)


def event_of(move: Move, now: datetime) -> Event:
    return platform_event(
        job_pk=move.job_pk,
        reason=move.event or move.reason,
        params=move.params if move.event_params is None else move.event_params,
        warning=move.new in WARNINGS,
        attempt=move.attempt,
        at=now,
    )


def explain_all(items: Iterable[tuple[Job, str, dict[str, Any]]]) -> None:
    """Change why jobs are where they are, not where they are. Writes only what differs from the rows as read; a job
    that moved since keeps the reason of its move."""
    groups: dict[tuple[str, ...], list[tuple[Job, str, dict[str, Any]]]] = {}
    for job, reason, params in items:
        if (job.status_reason, job.status_params) != (reason, params):
            groups.setdefault((repr(job.version), reason, repr(params)), []).append((job, reason, params))
    for group in groups.values():
        first, reason, params = group[0]
        jobs = Job.objects.filter(pk__in=[job.pk for job, _, _ in group], version=first.version)
        jobs.exclude(status__in=[s.value for s in FINAL]).update(status_reason=reason, status_params=params)
