"""Writes what a pass decided and saw, in one transaction. No network in here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from jobs import transitions
from jobs.events import platform_event
from jobs.models import Attempt, Event, Pod
from jobs.reconcile import claims, record
from jobs.reconcile.claims import Claim
from jobs.reconcile.decide import Decision
from jobs.reconcile.work import Work
from jobs.states import FINAL, JobStatus
from jobs_platform.inserts import insert_all
from jobs_platform.updates import update_each


def apply(claim: Claim, works: Sequence[Work]) -> list[Work]:
    """Everything decided, in one transaction; answers the works whose decision took effect. A job that changed since it
    was claimed is left as it is and looked at again at once; one that somebody else has claimed since is left alone."""
    now = timezone.now()
    changes = [change for work in works if (change := change_of(work, now)) and not change.is_empty]
    lost = write_sound(claim, changes, now)
    for work in works:
        if work.job.pk in lost:
            work.decision = Decision(check_in=0.0)
    return [work for work in works if work.job.pk not in lost and not work.error]


@dataclass(frozen=True, slots=True)
class Change:
    """What one work writes."""

    work: Work
    move: transitions.Move | None
    attempt: dict[str, Any]
    pods: list[record.Change]

    @property
    def explain(self) -> bool:
        decision, job = self.work.decision, self.work.job
        shown = (job.status_reason, job.status_params)
        return self.move is None and decision.explain is not None and decision.explain != shown

    @property
    def is_empty(self) -> bool:
        return not (self.move or self.attempt or self.pods or self.explain)


def change_of(work: Work, now: datetime) -> Change | None:
    try:
        attempt = attempt_changes(work, work.attempt, now) if work.attempt else {}
        return Change(work, move_of(work, now), attempt, pod_changes(work, now))
    except Exception as exc:  # noqa: BLE001 (one bad job must not stop the others: logged with its id, retried later)
        work.fail(exc)
        return None


def write_sound(claim: Claim, changes: Sequence[Change], now: datetime) -> set[int]:
    """write(), but what the database does not take, such as a text with a NUL, keeps only its own job from being
    written: the halves are tried apart."""
    if not changes:
        return set()
    try:
        return write(claim, changes, now)
    except (DataError, IntegrityError, ValueError, TypeError) as exc:
        if len(changes) == 1:
            changes[0].work.fail(exc)
            return set()
        half = len(changes) // 2
        return write_sound(claim, changes[:half], now) | write_sound(claim, changes[half:], now)


def write(claim: Claim, changes: Sequence[Change], now: datetime) -> set[int]:
    """Answers the jobs of which nothing was written."""
    keys = {change.work.job.pk for change in changes}
    with transaction.atomic():
        held = claims.still_held(claim, keys)
        mine = [change for change in changes if change.work.job.pk in held]
        moves = [change.move for change in mine if change.move]
        made = {move.job_pk for move in transitions.apply_all(moves, now)}
        mine = [change for change in mine if not change.move or change.work.job.pk in made]
        write_attempts(mine, now)
        record.save([pod for change in mine for pod in change.pods])
        transitions.explain_all(
            (change.work.job, *change.work.decision.explain)
            for change in mine
            if change.explain and change.work.decision.explain
        )
    return keys - {change.work.job.pk for change in mine}


def move_of(work: Work, now: datetime) -> transitions.Move | None:
    transition = work.decision.transition
    if transition is None:
        return None
    job = work.job
    columns: dict[str, object] = {}
    started = record.started_at(work.evidence) if work.evidence else None
    if job.started_at is None and (started or transition.new is JobStatus.RUNNING):
        columns["started_at"] = started or now
    if work.decision.ended and transition.new is not JobStatus.PENDING:
        columns["finished_at"] = record.finished_at(work.evidence, now)
    return transitions.Move(
        job_pk=job.pk,
        version=job.version,
        new=transition.new,
        reason=transition.reason,
        params=transition.params,
        event=event_name(transition.new, transition.reason),
        event_params={**transition.params, "ended": transition.reason} if transition.new in FINAL else None,
        attempt=job.attempt_number or None,
        columns=columns,
    )


def event_name(new: JobStatus, reason: str) -> str:
    return reason if new in (JobStatus.PENDING, JobStatus.STOPPING) else new.value


def write_attempts(changes: Sequence[Change], now: datetime) -> None:
    """Only what differs. An attempt that ended without being seen leaves its pods Unknown."""
    groups: dict[tuple[str, ...], list[Change]] = {}
    for change in changes:
        if change.attempt:
            groups.setdefault(tuple(change.attempt), []).append(change)
    for columns, group in groups.items():
        rows = [(change.work.attempt.pk, *change.attempt.values()) for change in group if change.work.attempt]
        update_each(Attempt, rows, match=("id",), change=columns)
    unseen = [
        change.work.attempt.pk
        for change in changes
        if "end_reason" in change.attempt and change.work.snapshot is None and change.work.attempt
    ]
    if unseen:
        Pod.objects.filter(attempt__in=unseen).exclude(phase__in=["Succeeded", "Failed"]).update(
            phase="Unknown", ready=False, observed_at=now
        )
    insert_all([ending_event(change.work, now) for change in changes if "ending_reason" in change.attempt])


def attempt_changes(work: Work, attempt: Attempt, now: datetime) -> dict[str, Any]:
    decision = work.decision
    changes: dict[str, Any] = {}
    if work.launched:
        changes |= {"launched_at": now, "cluster_uid": attempt.cluster_uid, "spec_hash": attempt.spec_hash}
    if attempt.started_at is None and work.evidence and (started := record.started_at(work.evidence)):
        changes["started_at"] = started
    if attempt.absent_since != decision.absent_since:
        changes["absent_since"] = decision.absent_since
    if attempt.stuck_since != decision.stuck_since:
        changes["stuck_since"] = decision.stuck_since
    if decision.ending and not attempt.ending_reason:
        changes |= {"ending_reason": decision.ending.reason.value, "ending_params": decision.ending.params}
    if decision.ended and not attempt.end_reason:
        changes |= {
            "end_reason": decision.ended.reason.value,
            "end_params": decision.ended.params,
            "finished_at": record.finished_at(work.evidence, now),
        }
    return changes


def ending_event(work: Work, now: datetime) -> Event:
    assert work.decision.ending is not None
    params = {"ended": work.decision.ending.reason.value}
    return platform_event(
        job_pk=work.job.pk, reason="Ending", params=params, warning=True, attempt=work.job.attempt_number, at=now
    )


def pod_changes(work: Work, now: datetime) -> list[record.Change]:
    """A pod of which it is only known that it is gone is written down as such when the attempt ends with it."""
    if work.attempt is None or work.snapshot is None:
        return []
    told = [pod for pod in work.snapshot.pods if work.decision.ended or not pod.is_only_gone]
    return record.pods(work.job, work.attempt, told, work.pods, now)
