"""How the platform as a whole is doing, for /metrics: read when asked for, the same whichever web process answers, and
at a cost that does not grow with the number of jobs. Labels are statuses and the names of pools."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Min, Sum

from jobs.models import Job, JobCount, ResourcePool, TerminalSession
from jobs.states import JobStatus
from jobs_platform.metrics import Family, Sample

WAITING = (JobStatus.PENDING.value, JobStatus.QUEUED.value)


def families(now: datetime) -> Iterator[Family]:
    pools = list(ResourcePool.objects.filter(enabled=True).order_by("name"))
    yield by_status()
    yield from of_waiting(pools, now)
    yield from of_due(pools, now)
    yield from of_health(pools, now)
    yield terminals()
    yield disk()


def by_status() -> Family:
    """A sum of few rows: triggers keep them."""
    found = dict(JobCount.objects.order_by().values_list("status").annotate(jobs=Sum("count")))
    samples = [Sample(found.get(one.value, 0), {"status": one.value}) for one in JobStatus]
    return Family("jobs", "Jobs that are not deleted.", "gauge", samples)


def of_waiting(pools: Iterable[ResourcePool], now: datetime) -> Iterator[Family]:
    waiting = Job.objects.active().filter(status__in=WAITING, deleted_at=None).order_by()
    rows = waiting.values_list("pool").annotate(jobs=Count("pk"), oldest=Min("created_at"))
    found = {pool: (jobs, oldest) for pool, jobs, oldest in rows}
    counts = per_pool(pools, lambda pool: float(found[pool.pk][0]) if pool.pk in found else 0.0)
    ages = per_pool(pools, lambda pool: seconds(found[pool.pk][1], now) if pool.pk in found else 0.0)
    yield Family("pool_waiting_jobs", "Jobs that are Pending or Queued.", "gauge", counts)
    yield Family("pool_oldest_waiting_seconds", "How long the first of them has waited.", "gauge", ages)


def of_due(pools: Iterable[ResourcePool], now: datetime) -> Iterator[Family]:
    """How far reconciling is behind: a worker that keeps up leaves nothing due for more than a moment."""
    due = Job.objects.filter(next_check_at__lte=now).order_by()
    rows = due.values_list("pool").annotate(jobs=Count("pk"), oldest=Min("next_check_at"))
    found = {pool: (jobs, oldest) for pool, jobs, oldest in rows}
    counts = per_pool(pools, lambda pool: float(found[pool.pk][0]) if pool.pk in found else 0.0)
    lags = per_pool(pools, lambda pool: seconds(found[pool.pk][1], now) if pool.pk in found else 0.0)
    yield Family("pool_due_jobs", "Jobs that are to be looked at now.", "gauge", counts)
    yield Family("pool_due_lag_seconds", "How long the first of them has been due.", "gauge", lags)


def of_health(pools: Iterable[ResourcePool], now: datetime) -> Iterator[Family]:
    agents = per_pool(pools, lambda pool: seconds(pool.agent_seen_at, now))
    watches = per_pool(pools, lambda pool: seconds(pool.watched_at, now) if pool.is_watched else None)
    frozen = per_pool(pools, lambda pool: float(pool.frozen_at is not None))
    yield Family("pool_agent_age_seconds", "Since the pool's agent said that it works.", "gauge", agents)
    yield Family("pool_watch_age_seconds", "Since the pool's watch heard from its cluster.", "gauge", watches)
    yield Family("pool_frozen", "1 while too many jobs seem lost at once.", "gauge", frozen)


def terminals() -> Family:
    number = TerminalSession.objects.filter(ended_at=None).count()
    return Family("terminals_open", "Terminal sessions that have not ended.", "gauge", [Sample(number)])


def disk() -> Family:
    """Where the logs are, or will be."""
    place = next(path for path in (settings.LOG_DIR, *settings.LOG_DIR.parents) if path.exists())
    free = shutil.disk_usage(place).free
    return Family("log_disk_free_bytes", "Free where the logs are kept.", "gauge", [Sample(free)])


def per_pool(pools: Iterable[ResourcePool], value: Callable[[ResourcePool], float | None]) -> list[Sample]:
    """None: the pool has no such number."""
    found = ((pool.name, value(pool)) for pool in pools)
    return [Sample(number, {"pool": name}) for name, number in found if number is not None]


def seconds(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else round((now - since).total_seconds(), 1)
