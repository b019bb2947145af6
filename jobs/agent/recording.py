"""Writes what hints bring along, so that it outlives the objects on the cluster (R8): events, which a cluster forgets
after an hour, and the last states of pods that went away. Answers which jobs there is news of.

One agent a pool runs this, in one thread; the worker may write the same pods at the same time, and whoever comes first
decides: a pod that is over stays as it is. A start of the agent brings a hint for everything that is there; only what
differs from the rows is news then.
"""

import logging
from collections.abc import Iterable, Sequence

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from jobs.agent import notices
from jobs.agent.gathered import Gathered
from jobs.cluster.base import Hint, PodPhase, PodReason, PodSnapshot
from jobs.models import Pod, ResourcePool
from jobs.reconcile import record as records

logger = logging.getLogger(__name__)

BATCH = 500
AWAY = (OperationalError, InterfaceError)  # the database cannot be used now
COMPARED = ("name", "uid", "phase", "exit_code")
STEADY = (PodPhase.RUNNING, PodPhase.SUCCEEDED, PodPhase.FAILED)
# Where Kueue takes an attempt's pods away to let it wait, they come again: being told to end is not their end.
TOLD = (PodReason.STOPPED, PodReason.DELETED)


def record(pool: ResourcePool, gathered: Gathered) -> set[str]:
    """Raises OperationalError or InterfaceError when the database cannot be used now."""
    changed: set[str] = set()
    hints = list(gathered.pods.values())
    for start in range(0, len(hints), BATCH):
        changed |= record_pods(pool, hints[start : start + BATCH])
    found = list(gathered.notices.values())
    for start in range(0, len(found), BATCH):
        changed |= notices.record(pool, found[start : start + BATCH])
    return changed


def record_pods(pool: ResourcePool, hints: Sequence[Hint]) -> set[str]:
    seen = [(hint, hint.pod) for hint in hints if hint.pod is not None]
    rows = {row.name: row for row in rows_of(pool, [pod for _hint, pod in seen]).only(*COMPARED)}
    news = [(hint, pod) for hint, pod in seen if is_news(hint, pod, rows.get(pod.ref.name))]
    ends = [pod for hint, pod in news if hint.gone and pod.is_over and comes_no_more(pool, pod)]
    if ends:
        record_ends(rows_of(pool, ends).select_related("job", "attempt"), ends)
    return {hint.job_id for hint, _pod in news}


def rows_of(pool: ResourcePool, pods: Sequence[PodSnapshot]) -> QuerySet[Pod]:
    """A pod's name has the job and the attempt in it."""
    return Pod.objects.filter(
        job__pool=pool, job__public_id__in={pod.ref.job_id for pod in pods}, name__in={pod.ref.name for pod in pods}
    )


def is_news(hint: Hint, pod: PodSnapshot, row: Pod | None) -> bool:
    """A pod that simply runs, or is over, as its row says, is none."""
    if row is None or row.uid != pod.ref.uid or row.phase != pod.phase.value or pod.phase not in STEADY:
        return True
    if pod.is_over:
        return row.exit_code != pod.exit_code
    return hint.gone or pod.terminating or bool(pod.conditions)


def comes_no_more(pool: ResourcePool, pod: PodSnapshot) -> bool:
    return not (pool.options.get("kueueQueue") and pod.reason in TOLD)


def record_ends(rows: Iterable[Pod], pods: Sequence[PodSnapshot]) -> None:
    now, ends = timezone.now(), {pod.ref.name: pod for pod in pods}
    changes = []
    for row in rows:
        pod = ends[row.name]
        if row.uid not in ("", pod.ref.uid):
            continue
        if row.is_over:
            add_exit(row, pod)
            continue
        events = tuple(records.events_of(row.job, row.attempt, row, pod, now))
        records.copy(row, pod, now)
        changes.append(records.Change(row, events))
    save(changes)


def add_exit(row: Pod, pod: PodSnapshot) -> None:
    """For a row that the worker wrote when it knew no more than that the pod was gone."""
    if pod.exit_code is not None:
        Pod.objects.filter(pk=row.pk, exit_code=None).update(
            uid=pod.ref.uid, exit_code=pod.exit_code, started_at=pod.started_at, finished_at=pod.finished_at
        )


def save(changes: Sequence[records.Change]) -> None:
    """All at once; when one of them cannot be stored, the others are."""
    try:
        store(changes)
    except AWAY:
        raise
    except Exception:  # noqa: BLE001 (one bad pod must not cost the others their ends: found out one by one)
        for change in changes:
            save_one(change)


def save_one(change: records.Change) -> None:
    try:
        store([change])
    except AWAY:
        raise
    except Exception:  # one bad pod must not cost the others their ends: logged by name
        logger.exception("How pod %s ended could not be stored", change.pod.name)


def store(changes: Sequence[records.Change]) -> None:
    with transaction.atomic():
        records.save(changes)
