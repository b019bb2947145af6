"""Writes what a pass decided and saw, in one transaction. No network in here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from jobs import transitions
from jobs.cluster.base import Absent, Present
from jobs.events import platform_event
from jobs.models import Attempt, Event, Job, Pod
from jobs.reconcile import record
from jobs.reconcile.claims import Claim
from jobs.reconcile.decide import Decision
from jobs.reconcile.work import Work
from jobs.states import FINAL, JobStatus


def apply(claim: Claim, works: Sequence[Work]) -> list[Work]:
    """Everything decided, in one transaction; answers the works whose decision took effect. A job that changed since it
    was claimed is left as it is and looked at again at once."""
    now = timezone.now()
    with transaction.atomic():
        made = transitions.apply_all([move for work in works if (move := move_of(work, now))], now)
        moved = {move.job_pk for move in made}
        applied = []
        for work in works:
            if work.decision.transition and work.job.pk not in moved:
                work.decision = Decision(check_in=0.0)
            else:
                applied.append(work)
        write_attempts(applied, now)
        record.save([change for work in applied for change in pod_changes(work, now)])
        transitions.explain_all(
            (work.job, *work.decision.explain)
            for work in applied
            if work.decision.explain and not work.decision.transition
        )
        seen = [work.job.pk for work in applied if isinstance(work.observation, Present | Absent)]
        if seen:
            Job.objects.filter(pk__in=seen, lease_token=claim.token).update(observed_at=now)
    return applied


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


def write_attempts(works: Sequence[Work], now: datetime) -> None:
    """Only what differs. An attempt that ended without being seen leaves its pods Unknown."""
    events, unseen = [], []
    for work in works:
        if work.attempt is None:
            continue
        if changes := attempt_changes(work, work.attempt, now):
            Attempt.objects.filter(pk=work.attempt.pk).update(**changes)
        if "ending_reason" in changes:
            events.append(ending_event(work, now))
        if "end_reason" in changes and work.snapshot is None:
            unseen.append(work.attempt.pk)
    if unseen:
        Pod.objects.filter(attempt__in=unseen).exclude(phase__in=["Succeeded", "Failed"]).update(
            phase="Unknown", ready=False, observed_at=now
        )
    if events:
        Event.objects.bulk_create(events)


def attempt_changes(work: Work, attempt: Attempt, now: datetime) -> dict[str, Any]:
    decision = work.decision
    changes: dict[str, Any] = {}
    if work.launched:
        changes |= {"launched_at": now, "cluster_uid": attempt.cluster_uid, "spec_hash": attempt.spec_hash}
    if attempt.started_at is None and work.evidence and (started := record.started_at(work.evidence)):
        changes["started_at"] = started
    if attempt.absent_since != decision.absent_since:
        changes["absent_since"] = decision.absent_since
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
    if work.attempt is None or work.snapshot is None:
        return []
    return record.pods(work.job, work.attempt, work.snapshot, work.pods, now)
