"""Whether it is believed that attempts are gone from their cluster (R7).

A pass sees a part of a pool, and a wrong view of the cluster shows every job of that part as gone. So where losses are
many, the registry's attempts are compared with a list of all that the cluster has before any is declared lost. When
too many are missing, the pool is frozen: absence ends nothing there until a whole list shows the attempts again, or an
operator accepts the loss.

Any process may do this at any time; each lists a pool at most once in CHECK_SECONDS, whatever comes of it. Freezing and
thawing are guarded updates of the pool's row. Called outside any transaction.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from jobs.cluster.base import Absent, Cluster
from jobs.cluster.errors import ClusterError
from jobs.identifiers import attempt_name
from jobs.models import Attempt, Job, Pod, ResourcePool
from jobs.reconcile import breaker
from jobs.reconcile.decide import Decision
from jobs.reconcile.work import Work
from jobs.states import Desired, EndReason, JobStatus

logger = logging.getLogger(__name__)

CHECK_SECONDS = 30.0
RECENTLY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Whole:
    """All attempts that the cluster had, as listed after `at`; `sound`: few enough of the registry's were missing."""

    at: datetime
    names: frozenset[str]
    sound: bool


@dataclass(slots=True)
class Memory:
    """What this process knows of a pool."""

    asked: float = float("-inf")  # monotonic
    whole: Whole | None = None

    @property
    def next_in(self) -> float:
        return max(0.0, self.asked + CHECK_SECONDS - time.monotonic())


_memories: dict[int, Memory] = {}


def memory_of(pool: ResourcePool) -> Memory:
    return _memories.setdefault(pool.pk, Memory())


def hold_back(pool: ResourcePool, cluster: Cluster, works: Sequence[Work]) -> None:
    """Takes back the decisions to end attempts for their absence, unless it is believed."""
    absent = [work for work in works if relies_on_absence(work)]
    lost = [work for work in absent if work.decision.ended and work.decision.ended.reason is EndReason.LOST]
    if pool.frozen_at is None and not (lost and many(pool, lost)):
        return
    memory = look(pool, cluster)
    for work in absent if pool.frozen_at else lost:
        if not is_believed(work, pool, memory.whole):
            hold(work, memory)


def relies_on_absence(work: Work) -> bool:
    """Ends because the cluster does not have the attempt, and for nothing else: neither is it recorded how all its pods
    ended, nor did an operator accept the loss."""
    attempt = work.attempt
    if attempt is None or not attempt.launched_at or not isinstance(work.observation, Absent):
        return False
    if work.decision.ended is None or attempt.ending_reason == EndReason.LOST:
        return False
    return work.evidence is None or not work.evidence.all_over


def many(pool: ResourcePool, lost: Sequence[Work]) -> bool:
    """Together with those of the last minute, in whatever process."""
    if len(lost) >= breaker.LEAST:
        return True
    since = timezone.now() - RECENTLY
    recent = Attempt.objects.filter(job__pool=pool, end_reason=EndReason.LOST.value, finished_at__gte=since)
    return len(lost) + recent.count() >= breaker.LEAST


def is_believed(work: Work, pool: ResourcePool, whole: Whole | None) -> bool:
    """When a whole list that was asked for after the first sign of absence lacks the attempt too, and lacks few."""
    since = work.attempt.absent_since if work.attempt else None
    if whole is None or since is None or pool.frozen_at:
        return False
    return whole.sound and whole.at >= since and work.ref.name not in whole.names


def hold(work: Work, memory: Memory) -> None:
    work.decision = Decision(
        explain=("PoolUnavailable", {"variant": "frozen"}),
        absent_since=work.attempt.absent_since if work.attempt else None,
        check_in=max(1.0, memory.next_in),
    )


def look(pool: ResourcePool, cluster: Cluster) -> Memory:
    """Compares all of the pool, unless that was just done, and freezes or thaws it accordingly."""
    memory = memory_of(pool)
    if memory.next_in > 0:
        return memory
    memory.asked = time.monotonic()
    at = timezone.now()
    expected = expected_attempts(pool)  # before the list: what is launched after this is none of its business
    try:
        names = frozenset(ref.name for ref in cluster.list_attempts() if ref.uid or not pool.fetches_logs)
    except ClusterError as exc:
        logger.warning("Pool %s could not be looked through: %s", pool.name, exc)
        return memory
    missing = sum(name not in names for name in expected)
    sound = not breaker.trips(lost=missing, active=len(expected))
    memory.whole = Whole(at, names, sound)
    thaw(pool) if sound else freeze(pool, at, missing, len(expected))
    return memory


def expected_attempts(pool: ResourcePool) -> list[str]:
    """The names of those that should be there: launched, wanted, and not known to be over."""
    going = Pod.objects.filter(attempt=OuterRef("pk")).exclude(phase__in=["Succeeded", "Failed"])
    attempts = Attempt.objects.filter(
        job__pool=pool,
        job__status__active=True,
        job__status__in=[JobStatus.STARTING.value, JobStatus.RUNNING.value],
        job__desired=Desired.RUN.value,
        number=F("job__attempt_number"),
        launched_at__isnull=False,
        ending_reason="",
        end_reason="",
    )
    rows: Iterable[tuple[str, int]] = attempts.filter(Exists(going)).values_list("job__public_id", "number").order_by()
    return [attempt_name(public_id, number) for public_id, number in rows]


def freeze(pool: ResourcePool, now: datetime, missing: int, active: int) -> None:
    logger.error(
        "%s of %s attempts of pool %s seem to be gone: none is declared lost until its view is sound, or an operator "
        "accepts the loss.",
        missing,
        active,
        pool.name,
    )
    ResourcePool.objects.filter(pk=pool.pk, frozen_at=None).update(frozen_at=now)
    pool.frozen_at = pool.frozen_at or now


def thaw(pool: ResourcePool) -> None:
    if pool.frozen_at and ResourcePool.objects.filter(pk=pool.pk).exclude(frozen_at=None).update(frozen_at=None):
        logger.warning("The view of pool %s is sound again.", pool.name)
    pool.frozen_at = None


def accept(pool: ResourcePool) -> int:
    """An operator says that what seems gone is gone. Those attempts end as lost once their absence is proven; should
    one be there after all, it is taken down. The pool thaws with the next look at it. Answers how many."""
    jobs = Job.objects.active().filter(pool=pool)
    gone = Attempt.objects.filter(
        job__in=jobs, number=F("job__attempt_number"), absent_since__isnull=False, ending_reason="", end_reason=""
    )
    keys = list(gone.values_list("job_id", flat=True))
    params = {"variant": "gone", "detail": ""}
    accepted = gone.update(ending_reason=EndReason.LOST.value, ending_params=params)
    Job.objects.filter(pk__in=keys).hint(timezone.now())
    return accepted
