"""Attempts that are still on their cluster though the registry is done with them: those of jobs that ended a while ago,
and those before a job's current one. Only jobs this registry knows: what it does not know is not its to remove.

Where the platform fetches logs, an attempt that is over stays until they are stored, and then as long as asked for;
one that still runs is asked to end, which keeps its object until its log is complete.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from django.db.models import prefetch_related_objects
from django.utils import timezone

from jobs.cluster.base import Absent, Cluster, ObjectRef, Present
from jobs.cluster.errors import ClusterError
from jobs.clusters import cluster_for
from jobs.models import Attempt, Job, ResourcePool
from jobs.reconcile.specs import PoolFacts, keep_seconds
from jobs.reconcile.work import logs_stored
from jobs.states import FINAL, Desired

logger = logging.getLogger(__name__)

ORPHAN_AGE = timedelta(seconds=60)
GRACE_SECONDS = 5.0
BATCH = 500


class Fate(Enum):
    REMOVE = auto()
    TIDY = auto()  # it is known to be over, and its time has come
    KEEP = auto()
    LOOK = auto()  # the registry does not know it to be over: the cluster is asked


@dataclass(frozen=True, slots=True)
class Orphan:
    ref: ObjectRef
    fate: Fate
    logs_stored: bool = True


def remove_orphans(pool: ResourcePool) -> int:
    """Answers how many were removed or asked to end. One that cannot be now is met again the next time."""
    try:
        cluster = cluster_for(pool)
        found = cluster.list_attempts()
    except ClusterError as exc:
        logger.info("Pool %s could not be looked through for orphans: %s", pool.name, exc)
        return 0
    now = timezone.now()
    facts = PoolFacts.of(pool, now)
    batches = [found[start : start + BATCH] for start in range(0, len(found), BATCH)]
    orphans = [orphan for batch in batches for orphan in known_orphans(batch, facts, now)]
    remove = [orphan.ref for orphan in orphans if orphan.fate is Fate.REMOVE]
    running, over = look(cluster, [orphan for orphan in orphans if orphan.fate is Fate.LOOK])
    for ref in running:
        ask_to_end(cluster, ref)
    for ref in [*remove, *over]:
        take_down(cluster, ref)
    tidy = [orphan.ref for orphan in orphans if orphan.fate is Fate.TIDY]
    for ref in tidy:
        forget(cluster, ref)
    return len(remove) + len(running) + len(over) + len(tidy)


def look(cluster: Cluster, orphans: Sequence[Orphan]) -> tuple[list[ObjectRef], list[ObjectRef]]:
    """Those that run and are not being taken down, and those that may be removed."""
    seen = cluster.observe([orphan.ref for orphan in orphans]) if orphans else {}
    running, over = [], []
    for orphan in orphans:
        match seen.get(orphan.ref):
            case Present(snapshot) if not snapshot.all_over:
                if not snapshot.going_down:
                    running.append(orphan.ref)
            case Present() | Absent() if orphan.logs_stored:
                over.append(orphan.ref)
            case _:
                continue
    return running, over


def take_down(cluster: Cluster, ref: ObjectRef) -> None:
    """What still ends when this comes by is forgotten the next time."""
    if ask_to_end(cluster, ref):
        forget(cluster, ref)


def forget(cluster: Cluster, ref: ObjectRef) -> None:
    try:
        cluster.forget_attempt(ref)
    except ClusterError as exc:
        logger.info("%s is not gone yet: %s", ref.name, exc)


def ask_to_end(cluster: Cluster, ref: ObjectRef) -> bool:
    logger.warning("%s is there though its job is over: taken down", ref.name)
    try:
        cluster.delete_attempt(ref, grace_seconds=GRACE_SECONDS)
    except ClusterError as exc:
        logger.info("%s could not be asked to end: %s", ref.name, exc)
        return False
    return True


def known_orphans(found: Sequence[ObjectRef], facts: PoolFacts, now: datetime) -> list[Orphan]:
    jobs = {
        job.public_id: job
        for job in Job.objects.filter(public_id__in={ref.job_id for ref in found}).only(
            "public_id", "status", "desired", "finished_at", "attempt_number", "config"
        )
    }
    suspects = [ref for ref in found if (job := jobs.get(ref.job_id)) and is_orphan(job, ref, now - ORPHAN_AGE)]
    attempts = attempts_of([jobs[ref.job_id] for ref in suspects]) if facts.fetches_logs else {}
    orphans = [judge(jobs[ref.job_id], attempts.get((ref.job_id, ref.attempt)), ref, facts, now) for ref in suspects]
    return [orphan for orphan in orphans if orphan.fate is not Fate.KEEP]


def is_orphan(job: Job, ref: ObjectRef, before: datetime) -> bool:
    ended = job.state in FINAL and job.finished_at is not None and job.finished_at < before
    return ended or ref.attempt < job.attempt_number


def attempts_of(jobs: Sequence[Job]) -> Mapping[tuple[str, int], Attempt]:
    attempts = list(Attempt.objects.filter(job__in=jobs).select_related("job"))
    prefetch_related_objects(attempts, "pods")
    return {(attempt.job.public_id, attempt.number): attempt for attempt in attempts}


def judge(job: Job, attempt: Attempt | None, ref: ObjectRef, facts: PoolFacts, now: datetime) -> Orphan:
    if not facts.fetches_logs or job.desired == Desired.DELETE or attempt is None:
        return Orphan(ref, Fate.REMOVE)
    pods = list(attempt.pods.all())
    stored = logs_stored(pods)
    if not attempt.end_reason or ref.uid != attempt.cluster_uid or not all(pod.is_over for pod in pods):
        return Orphan(ref, Fate.LOOK, stored)
    kept_until = (attempt.finished_at or now) + timedelta(seconds=keep_seconds(job, facts))
    return Orphan(ref, Fate.TIDY if stored and now >= kept_until else Fate.KEEP)
