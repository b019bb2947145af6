"""One pass over a pool: claim → launch → observe → decide → apply → act → release.

Workers in any number run this at once, and the agent while the broker is away. Rows are owned by claims (claims.py);
every write of status is guarded by version (transitions.py); what the cluster is asked to do is idempotent. No network
call happens inside a transaction. One bad job never stops the rest: it fails alone, and is looked at again later and
later.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone

from jobs import transitions
from jobs.cluster.base import Absent, AttemptSnapshot, Cluster, ObjectRef, Observation, Present, Unknown
from jobs.cluster.errors import ClusterError
from jobs.clusters import cluster_for
from jobs.events import platform_event
from jobs.logs import storage
from jobs.models import Attempt, Event, Job, Pod, ResourcePool
from jobs.reconcile import admit, breaker, claims, record
from jobs.reconcile.claims import Claim
from jobs.reconcile.decide import BLIND_SECONDS, BUSY_SECONDS, Action, Decision, decide
from jobs.reconcile.launch import launch
from jobs.reconcile.specs import ref_of, view_of
from jobs.services import grace_seconds
from jobs.states import FINAL, Desired, EndReason, JobStatus

logger = logging.getLogger(__name__)

PASSES = 200  # a bound on one call, not a limit on the work: the sweep comes again
LEASE_MARGIN = timedelta(seconds=10)
LOST_PAUSE_SECONDS = 30.0


@dataclass(slots=True)
class Work:
    """One claimed job on its way through a pass."""

    job: Job
    attempt: Attempt | None
    pods: dict[int, Pod] = field(default_factory=dict)
    observation: Observation | None = None
    decision: Decision = field(default_factory=Decision)
    launched: bool = False
    error: str = ""

    @property
    def ref(self) -> ObjectRef:
        assert self.attempt is not None
        return ref_of(self.job, self.attempt)

    @property
    def calls_for_more(self) -> bool:
        return self.decision.ended is not None or self.decision.check_in == 0.0

    @property
    def snapshot(self) -> AttemptSnapshot | None:
        return self.observation.snapshot if isinstance(self.observation, Present) else None


def reconcile(pool: ResourcePool) -> int:
    """Until nothing is due in the pool; answers how many jobs were looked at or moved."""
    done = 0
    for _pass in range(PASSES):
        found, again = run_pass(pool)
        done += found
        if not again:
            break
    return done


def run_pass(pool: ResourcePool) -> tuple[int, bool]:
    """How many jobs were looked at or moved, and whether another pass may find more: a batch was full, a job ended and
    left its place to others, or one is to be looked at again at once. What arrives meanwhile brings its own wake-up."""
    moved = admit.admit(pool, timezone.now())
    claim = claims.claim(pool.pk, timezone.now())
    works = work_on(pool, claim) if claim.jobs else []
    again = moved >= admit.CONSIDERED or len(works) >= claims.BATCH or any(work.calls_for_more for work in works)
    return moved + len(works), again


def work_on(pool: ResourcePool, claim: Claim) -> list[Work]:
    """1. load 2. launch what is to be launched 3. observe the rest, all at once 4. decide 5. apply 6. act 7.
    release."""
    works = load(claim.jobs)
    try:
        cluster = cluster_for(pool)
    except ClusterError as exc:
        blind(works, str(exc))
        apply(claim, works)
        release(claim, works)
        return works
    launched = launch_new(cluster, claim, works)
    observe(cluster, [work for work in works if work.attempt and work not in launched])
    for work in works:
        if work not in launched:
            decide_one(work)
    hold_back_if_too_many_lost(pool, works)
    applied = apply(claim, works)
    for work in applied:
        act(cluster, work)
    release(claim, works)
    return works


def load(jobs: Sequence[Job]) -> list[Work]:
    """Two queries for the current attempts and their pods, however many jobs."""
    attempts = {
        (attempt.job_id, attempt.number): attempt for attempt in Attempt.objects.filter(job__in=jobs).order_by("number")
    }
    current = {job.pk: attempts.get((job.pk, job.attempt_number)) for job in jobs}
    prefetch_related_objects([attempt for attempt in current.values() if attempt], "pods")
    return [Work(job, found, pods_by_replica(found)) for job in jobs for found in (current[job.pk],)]


def pods_by_replica(attempt: Attempt | None) -> dict[int, Pod]:
    return {pod.replica: pod for pod in attempt.pods.all()} if attempt else {}


def blind(works: Sequence[Work], why: str) -> None:
    for work in works:
        work.observation = Unknown(why)
        decide_one(work)
        if work.decision.actions:  # what needs the cluster waits for it; the rest does not
            work.decision = Decision(explain=("PoolUnavailable", {"error": why}), check_in=BLIND_SECONDS)


def launch_new(cluster: Cluster, claim: Claim, works: Sequence[Work]) -> list[Work]:
    """Those whose attempt was to be started now, with what to do next about each. Stops short of the lease's end, so
    that a worker that was paused starts nothing somebody else may have taken over."""
    launched = []
    for work in works:
        job, attempt = work.job, work.attempt
        if attempt is None or attempt.launched_at or job.desired != Desired.RUN.value or job.is_final:
            continue
        launched.append(work)
        if timezone.now() > claim.until - LEASE_MARGIN:
            work.decision = Decision(check_in=0.0)
            continue
        try:
            refused = launch(cluster, job, attempt)
        except Exception as exc:  # noqa: BLE001 (one bad job must not stop the others: logged with its id, retried later)
            fail(work, exc)
            continue
        if refused is None:
            work.launched = True
        work.decision = refused or Decision(check_in=BUSY_SECONDS)
    return launched


def observe(cluster: Cluster, works: Sequence[Work]) -> None:
    seen: Mapping[ObjectRef, Observation] = cluster.observe([work.ref for work in works]) if works else {}
    for work in works:
        work.observation = seen.get(work.ref, Unknown("the cluster did not mention the job"))


def decide_one(work: Work) -> None:
    try:
        work.decision = decide(view_of(work.job, work.attempt), work.observation, timezone.now())
    except Exception as exc:  # noqa: BLE001 (one bad job must not stop the others: logged with its id, retried later)
        fail(work, exc)


def fail(work: Work, exc: Exception) -> None:
    logger.exception("%s could not be reconciled", work.job.public_id)
    work.error = f"{type(exc).__name__}: {exc}"[:1000]
    work.decision = Decision(check_in=min(300.0, 2.0 ** min(work.job.failures, 9)))


def hold_back_if_too_many_lost(pool: ResourcePool, works: Sequence[Work]) -> None:
    lost = [
        work
        for work in works
        if work.decision.ended and work.decision.ended.reason is EndReason.LOST and isinstance(work.observation, Absent)
    ]
    if not lost or not breaker.trips(lost=len(lost), active=Job.objects.filter(pool=pool).active().count()):
        return
    logger.error(
        "%s jobs of pool %s seem lost at once: held back until the pool's view is sound.", len(lost), pool.name
    )
    for work in lost:
        work.decision = Decision(
            explain=("PoolUnavailable", {"error": "its objects seem to be gone, all at once"}),
            absent_since=work.attempt.absent_since if work.attempt else None,
            check_in=LOST_PAUSE_SECONDS,
        )


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
    started = record.started_at(work.snapshot) if work.snapshot else None
    if job.started_at is None and (started or transition.new is JobStatus.RUNNING):
        columns["started_at"] = started or now
    if work.decision.ended and transition.new is not JobStatus.PENDING:
        columns["finished_at"] = record.finished_at(work.snapshot, now)
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
    decision, changes = work.decision, {}
    if work.launched:
        changes |= {"launched_at": now, "cluster_uid": attempt.cluster_uid, "spec_hash": attempt.spec_hash}
    if attempt.started_at is None and work.snapshot and (started := record.started_at(work.snapshot)):
        changes["started_at"] = started
    if attempt.absent_since != decision.absent_since:
        changes["absent_since"] = decision.absent_since
    if decision.ending and not attempt.ending_reason:
        changes |= {"ending_reason": decision.ending.reason.value, "ending_params": decision.ending.params}
    if decision.ended and not attempt.end_reason:
        changes |= {
            "end_reason": decision.ended.reason.value,
            "end_params": decision.ended.params,
            "finished_at": record.finished_at(work.snapshot, now),
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


def act(cluster: Cluster, work: Work) -> None:
    """What the cluster is asked to do, after the decision is stored. A failure leaves the job due: the same is decided
    again."""
    try:
        for action in work.decision.actions:
            match action:
                case Action.DELETE:
                    cluster.delete_attempt(work.ref, grace_seconds=grace_seconds(work.job))
                case Action.FORGET:
                    cluster.forget_attempt(work.ref)
                case Action.PURGE:
                    storage.remove_job(work.job.public_id)
                case Action.LAUNCH:
                    continue
    except ClusterError as exc:
        logger.warning("%s: the pool did not do %s: %s", work.job.public_id, action, exc)
        work.decision = Decision(check_in=BLIND_SECONDS)
    except Exception as exc:  # noqa: BLE001 (one bad job must not stop the others: logged with its id, retried later)
        fail(work, exc)


def release(claim: Claim, works: Sequence[Work]) -> None:
    """Jobs that share a next check are released together."""
    now = timezone.now()
    groups: dict[float | None, list[Job]] = {}
    for work in works:
        if work.error:
            due = now + timedelta(seconds=work.decision.check_in or 1.0)
            claims.release(claim, work.job, next_check_at=due, now=now, error=work.error)
        else:
            groups.setdefault(work.decision.check_in, []).append(work.job)
    for seconds, jobs in groups.items():
        due_at = None if seconds is None else now + timedelta(seconds=seconds)
        claims.release_all(claim, jobs, next_check_at=due_at, now=now)
