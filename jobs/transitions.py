"""The only writer of Job.status.

Any process may run this at any time for the same job. Each move is one guarded UPDATE (id, version, and a status the
table of transitions allows to leave); a row count of 0 means somebody else was first, and nothing of the move is
written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.db.models.expressions import Combinable

from jobs import news
from jobs.events import platform_event
from jobs.models import Event, Job, JobCount
from jobs.states import FINAL, TRANSITIONS, JobStatus
from jobs_platform.inserts import insert_all
from jobs_platform.updates import update_each

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
        lock_in_order(moves)
        made = [move for group in alike(moves) for move in make(group, now)]
        insert_all([event_of(move, now) for move in made])
        news.of_jobs(move.job_pk for move in made)
    return made


def lock_in_order(moves: Sequence[Move]) -> None:
    """On PostgreSQL two transactions that move several jobs, or count them in several statuses, would each come to wait
    for a row of the other's. SQLite has one writer at a time."""
    if not connection.features.has_select_for_update:
        return
    jobs = Job.objects.select_for_update(no_key=True).filter(pk__in=[move.job_pk for move in moves]).order_by("pk")
    projects = set(jobs.values_list("project_id", flat=True))
    counts = JobCount.objects.select_for_update(no_key=True).filter(project__in=projects).order_by("pk")
    list(counts.values_list("pk", flat=True))


def alike(moves: Sequence[Move]) -> Iterable[Sequence[Move]]:
    """Moves to the same status that write the same columns: one UPDATE makes them all. Their statuses come in the order
    of the moves."""
    groups: dict[tuple[str, ...], list[Move]] = {}
    for move in moves:
        groups.setdefault((move.new.value, *sorted(move.columns)), []).append(move)
    return groups.values()


def make(group: Sequence[Move], now: datetime) -> Sequence[Move]:
    """Those made, of moves that are alike."""
    if any(isinstance(value, Combinable) for move in group for value in move.columns.values()):
        return [move for move in group if make_one(move, now)]
    new = group[0].new
    given = {"finished_at": now} if new in FINAL else {}
    columns = tuple(sorted(given | group[0].columns))
    sources = SOURCES[new]
    moved = update_each(
        Job,
        [
            (move.job_pk, move.version, move.reason, move.params, *((given | move.columns)[name] for name in columns))
            for move in group
        ],
        match=("id", "version"),
        change=("status_reason", "status_params", *columns),
        also="status = %s, version = t.version + 1",
        where=f"t.status IN ({', '.join(['%s'] * len(sources))})",
        parameters=[new.value, *sources],
    )
    return [move for move in group if move.job_pk in moved]


def make_one(move: Move, now: datetime) -> bool:
    """For a move that writes what only the database can tell, such as one more than there is."""
    columns: dict[str, Any] = {
        "status": move.new.value,
        "status_reason": move.reason,
        "status_params": move.params,
        "version": F("version") + 1,
        **move.columns,
    }
    if move.new in FINAL:
        columns.setdefault("finished_at", now)
    return Job.objects.filter(pk=move.job_pk, version=move.version, status__in=SOURCES[move.new]).update(**columns) == 1


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
    rows = [
        (job.pk, job.version, reason, params)
        for job, reason, params in items
        if (job.status_reason, job.status_params) != (reason, params)
    ]
    final = sorted(FINAL)
    changed = update_each(
        Job,
        rows,
        match=("id", "version"),
        change=("status_reason", "status_params"),
        where=f"t.status NOT IN ({', '.join(['%s'] * len(final))})",
        parameters=final,
    )
    news.of_jobs(changed)
