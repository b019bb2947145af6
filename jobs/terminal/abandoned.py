"""What terminals left behind whose server was killed, or could not reach the cluster when they ended: it is ended here.

On the local pool the processes themselves say whose they are. On Kubernetes the records say which terminals there were,
and each pod of a terminal that ended lately is asked once more to end what carries its mark. One worker at a time runs
this; a second one would only ask again.
"""

import logging
from collections import Counter, defaultdict
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from jobs.cluster.base import PodPhase, PodRef
from jobs.cluster.errors import ClusterError
from jobs.clusters import access, as_text
from jobs.models import ResourcePool, TerminalSession
from jobs.terminal import records

logger = logging.getLogger(__name__)

LATELY = timedelta(hours=1)
MOST_RECORDS = 200
MOST_PODS = 20  # in one pass, side by side
TRIES = 5
# Of this process: records whose pod was asked with success, or so often without that it is left at that.
DONE: set[int] = set()
TRIED: Counter[int] = Counter()


def end_abandoned() -> int:
    """Answers how many terminals (on Kubernetes: processes) there were."""
    ended, now = end_local(), timezone.now()
    records.close_lost(now)
    forget(now - 2 * LATELY)
    for pool in ResourcePool.objects.filter(kind=ResourcePool.KUBERNETES):
        ended += end_on_cluster(pool, now)
    return ended


def forget(before: datetime) -> None:
    """What is remembered of records that are not looked at any more."""
    known = DONE | TRIED.keys()
    still = set(TerminalSession.objects.filter(pk__in=known, ended_at__gte=before).values_list("pk", flat=True))
    DONE.intersection_update(still)
    for pk in known - still:
        TRIED.pop(pk, None)


def end_local() -> int:
    if not settings.LOCAL_POOL_ENABLED:
        return 0
    from jobs.cluster.local import sweep

    ended = sweep.end_abandoned()
    if ended:
        logger.warning("Ended what was left of %d terminals whose server was killed", ended)
    return ended


def end_on_cluster(pool: ResourcePool, now: datetime) -> int:
    found = ended_lately(pool, now)
    left = {pod: marks for pod, marks in by_pod(found).items() if marks.keys() - DONE}
    if not left:
        return 0
    from jobs.cluster.kubernetes import exec_cleanup

    chosen = dict(list(left.items())[:MOST_PODS])
    try:
        ended = exec_cleanup.end_left(
            access(as_text(pool)), {pod: tuple(marks.values()) for pod, marks in chosen.items()}
        )
    except ClusterError as exc:
        logger.warning("What terminals left in pool %s could not be ended: %s", pool.name, exc)
        return 0
    for pod, marks in chosen.items():
        TRIED.update(marks.keys())
        DONE.update(pk for pk in marks if pod in ended or TRIED[pk] >= TRIES)
    if total := sum(ended.values()):
        logger.warning("Ended %d processes that terminals left in pool %s", total, pool.name)
    return total


def ended_lately(pool: ResourcePool, now: datetime) -> list[TerminalSession]:
    """Of pods that run; the newest first."""
    found = TerminalSession.objects.filter(
        job__pool=pool, ended_at__gte=now - LATELY, pod__phase=PodPhase.RUNNING.value
    )
    return list(found.select_related("job", "pod__attempt").order_by("-ended_at")[:MOST_RECORDS])


def by_pod(found: list[TerminalSession]) -> dict[PodRef, dict[int, str]]:
    """The marks of each pod, by their record's key."""
    marks: dict[PodRef, dict[int, str]] = defaultdict(dict)
    for record in found:
        pod = PodRef(record.job.public_id, record.pod.attempt.number, record.pod.replica, record.pod.uid)
        marks[pod][record.pk] = records.mark_of(record)
    return marks
