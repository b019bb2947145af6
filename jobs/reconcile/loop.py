"""One pass over a pool: claim → launch → observe → decide → apply → act → release.

Workers in any number run this at once, and the agent while the broker is away. Rows are owned by claims (claims.py);
every write of status is guarded by version (transitions.py); what the cluster is asked to do is idempotent. No network
call happens inside a transaction. One bad job never stops the rest: it fails alone, and is looked at again later and
later.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.utils import timezone

from jobs.cluster.base import Absent, Cluster, ObjectRef, Observation, Unknown
from jobs.cluster.errors import ClusterError
from jobs.clusters import cluster_for
from jobs.logs import storage
from jobs.models import Job, ResourcePool
from jobs.reconcile import admit, breaker, claims
from jobs.reconcile.apply import apply
from jobs.reconcile.claims import Claim
from jobs.reconcile.decide import BLIND_SECONDS, BUSY_SECONDS, Action, Decision, decide
from jobs.reconcile.launch import launch
from jobs.reconcile.specs import PoolFacts, view_of
from jobs.reconcile.work import Work, complete, load, recorded
from jobs.services import grace_seconds
from jobs.states import Desired, EndReason

logger = logging.getLogger(__name__)

PASSES = 200  # a bound on one call, not a limit on the work: the sweep comes again
LEASE_MARGIN = timedelta(seconds=5)
LOST_PAUSE_SECONDS = 30.0


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
    facts = PoolFacts.of(pool, timezone.now())
    try:
        cluster = cluster_for(pool)
    except ClusterError as exc:
        blind(works, facts, str(exc))
        apply(claim, works)
        release(claim, works)
        return works
    launched = launch_new(cluster, claim, works)
    observe(cluster, [work for work in works if work.attempt and not work.job.is_final and work not in launched])
    for work in works:
        if work not in launched:
            decide_one(work, facts)
    hold_back_if_too_many_lost(pool, works)
    applied = apply(claim, works)
    for work in applied:
        act(cluster, work)
    release(claim, works)
    return works


def blind(works: Sequence[Work], facts: PoolFacts, why: str) -> None:
    for work in works:
        work.observation = Unknown(why)
        decide_one(work, facts)
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
        work.observation = complete(work, seen.get(work.ref, Unknown("the cluster did not mention the job")))


def decide_one(work: Work, facts: PoolFacts) -> None:
    try:
        gone = isinstance(work.observation, Absent)
        view = view_of(
            work.job,
            work.attempt,
            facts,
            logs_stored=work.logs_stored,
            recorded=recorded(work) if gone else None,
        )
        work.decision = decide(view, work.observation, timezone.now())
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
