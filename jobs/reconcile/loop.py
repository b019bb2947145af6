"""One pass over a pool: claim → launch → observe → decide → apply → act → release.

Workers in any number run this at once, and the agent while the broker is away. Rows are owned by claims (claims.py);
every write of status is guarded by version (transitions.py); what the cluster is asked to do is idempotent. No network
call happens inside a transaction. One bad job never stops the rest: it fails alone, and is looked at again later and
later.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.utils import timezone

from jobs.cluster.base import Absent, Cluster, ObjectRef, Observation, Present, Unknown
from jobs.cluster.errors import ClusterError
from jobs.clusters import cluster_for
from jobs.logs import storage
from jobs.models import ResourcePool
from jobs.reconcile import admit, claims, losses
from jobs.reconcile.apply import apply
from jobs.reconcile.calls import each
from jobs.reconcile.claims import Claim, Release
from jobs.reconcile.decide import BLIND_SECONDS, Action, Decision, decide
from jobs.reconcile.launch import launch
from jobs.reconcile.specs import PoolFacts, view_of
from jobs.reconcile.work import Work, complete, load, recorded
from jobs.services import grace_seconds
from jobs.states import Desired

logger = logging.getLogger(__name__)

PASSES = 200  # two bounds on one call, not limits on the work: the sweep comes again
CALL_SECONDS = 30.0
LEASE_MARGIN = timedelta(seconds=5)


def reconcile(pool: ResourcePool) -> int:
    """Until nothing is due in the pool; answers how many jobs were looked at or moved."""
    done = 0
    until = time.monotonic() + CALL_SECONDS
    for _pass in range(PASSES):
        found, again = run_pass(pool)
        done += found
        if not again or time.monotonic() > until:
            break
    return done


def run_pass(pool: ResourcePool) -> tuple[int, bool]:
    """How many jobs were looked at or moved, and whether another pass may find more: a batch was full, a job ended and
    left its place to others, or one is to be looked at again at once. What arrives meanwhile brings its own wake-up."""
    moved = admit.admit(pool, timezone.now())
    if pool.frozen_at:
        thaw_if_sound(pool)
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
    new = [work for work in works if is_to_launch(work)]
    rest = [work for work in works if not is_to_launch(work)]
    each(cluster, new, partial(launch_one, cluster, claim, facts))
    observe(cluster, [work for work in rest if work.attempt and not work.job.is_final])
    for work in rest:
        decide_one(work, facts)
    losses.hold_back(pool, cluster, rest)
    applied = apply(claim, works)
    each(cluster, [work for work in applied if work.decision.actions], partial(act, cluster, claim))
    release(claim, works)
    return works


def thaw_if_sound(pool: ResourcePool) -> None:
    """Also when none of its jobs is due."""
    try:
        losses.look(pool, cluster_for(pool))
    except ClusterError as exc:
        logger.info("Pool %s stays frozen: %s", pool.name, exc)


def blind(works: Sequence[Work], facts: PoolFacts, why: str) -> None:
    for work in works:
        work.observation = Unknown(why)
        decide_one(work, facts)
        if work.decision.actions:  # what needs the cluster waits for it; the rest does not
            work.decision = Decision(explain=("PoolUnavailable", {"error": why}), check_in=BLIND_SECONDS)


def is_to_launch(work: Work) -> bool:
    attempt, job = work.attempt, work.job
    return not (attempt is None or attempt.launched_at or job.desired != Desired.RUN.value or job.is_final)


def in_time(claim: Claim, work: Work) -> bool:
    """Stops short of the lease's end, so that a worker that was paused, or has a slow cluster, does nothing about a job
    that somebody else may have taken over."""
    if timezone.now() <= claim.until - LEASE_MARGIN:
        return True
    work.decision = Decision(check_in=0.0)
    return False


def launch_one(cluster: Cluster, claim: Claim, facts: PoolFacts, work: Work) -> None:
    if work.attempt is None or not in_time(claim, work):
        return
    try:
        refused = launch(cluster, work.job, work.attempt)
    except Exception as exc:  # noqa: BLE001 (one bad job must not stop the others: logged with its id, retried later)
        work.fail(exc)
        return
    work.launched = refused is None
    work.decision = refused or Decision(check_in=facts.busy_seconds)


def observe(cluster: Cluster, works: Sequence[Work]) -> None:
    seen: Mapping[ObjectRef, Observation] = cluster.observe([work.ref for work in works]) if works else {}
    for work in works:
        work.observation = seen.get(work.ref, Unknown("the cluster did not mention the job"))


def decide_one(work: Work, facts: PoolFacts) -> None:
    try:
        work.observation = complete(work)
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
        work.fail(exc)


def act(cluster: Cluster, claim: Claim, work: Work) -> None:
    """What the cluster is asked to do, after the decision is stored. A failure leaves the job due: the same is decided
    again."""
    if not in_time(claim, work):
        return
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
        work.fail(exc)


def release(claim: Claim, works: Sequence[Work]) -> None:
    now = timezone.now()
    claims.release(claim, [released(work, now) for work in works], now)


def released(work: Work, now: datetime) -> Release:
    seconds = work.decision.check_in
    if work.error:
        seconds = seconds or 1.0
    seen = now if isinstance(work.observation, Present | Absent) else None
    return Release(work.job, None if seconds is None else now + timedelta(seconds=seconds), seen, work.error)
