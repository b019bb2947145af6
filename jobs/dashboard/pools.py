"""The resource pools as people see them: how full, who waits, who holds, and what is wrong."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from jobs import quantities
from jobs.dashboard import pool_health, status
from jobs.dashboard.pool_chart import Chart, Series, Window, draw
from jobs.models import Job, PoolUse, Queue, ResourcePool
from jobs.querysets import JobQuerySet
from jobs.reconcile.admission import Amount
from jobs.reconcile.admit import in_order, in_use
from jobs.states import ADMITTED, JobStatus

RANGES: dict[str, timedelta] = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
RANGE_WORDS: dict[str, Promise] = {"1h": _("1 hour"), "24h": _("24 hours"), "7d": _("7 days")}
STEP_MINUTES = {"1h": 1, "24h": 5, "7d": 30}
LISTED = 8  # jobs named of those that wait, and of those that hold a place
WAITING = (JobStatus.PENDING.value, JobStatus.QUEUED.value)
HOLDING = tuple(one.value for one in ADMITTED)


@dataclass(frozen=True, slots=True)
class Level:
    """One resource: used, of how much, as text and as a share of the whole."""

    name: Promise | str
    used: str
    total: str  # "" where it is not known, or where there is no limit
    percent: int


@dataclass(frozen=True, slots=True)
class Named:
    """Jobs of which the reader may see some: those are named, all are counted."""

    jobs: list[tuple[Job, status.StatusView]]
    total: int

    @property
    def others(self) -> int:
        return self.total - len(self.jobs)


@dataclass(frozen=True, slots=True)
class QueueRow:
    queue: Queue
    running: int
    waiting: int


@dataclass(frozen=True, slots=True)
class PoolView:
    pool: ResourcePool
    health: pool_health.Health
    levels: list[Level]
    queues: list[QueueRow]
    holding: Named
    waiting: Named
    charts: list[Chart]


def build(visible: JobQuerySet, span: str, now: datetime) -> list[PoolView]:
    """Every pool, the default one first. `visible`: the jobs whose names the reader may see."""
    pools = list(ResourcePool.objects.order_by("-is_default", "name").prefetch_related("queues"))
    history = uses(pools, span, now)
    return [view_of(pool, visible.filter(pool=pool), history.get(pool.pk, []), span, now) for pool in pools]


def view_of(pool: ResourcePool, visible: JobQuerySet, history: Sequence[PoolUse], span: str, now: datetime) -> PoolView:
    running, used = in_use(pool)
    waiting = dict(
        Job.objects.active()
        .filter(pool=pool, status__in=WAITING)
        .order_by()
        .values_list("queue")
        .annotate(jobs=Count("pk"))
    )
    return PoolView(
        pool=pool,
        health=pool_health.health(pool),
        levels=levels(pool, used),
        queues=[
            QueueRow(queue, running.get(queue.pk, 0), waiting.get(queue.pk, 0)) for queue in ordered(pool.queues.all())
        ],
        holding=named(visible.active().filter(status__in=HOLDING).order_by("started_at"), sum(running.values()), now),
        waiting=named(in_order(visible.active().filter(status__in=WAITING)), sum(waiting.values()), now),
        charts=charts(pool, history, span, now),
    )


def ordered(queues: Iterable[Queue]) -> list[Queue]:
    return sorted(queues, key=lambda queue: (-queue.priority, not queue.is_default, queue.name))


def named(jobs: JobQuerySet, total: int, now: datetime) -> Named:
    heavy = ("config", "secret_envs", "labels", "last_error")
    found = jobs.select_related("owner", "pool", "queue").defer(*heavy)[:LISTED]
    return Named([(job, status.view_of(job, now)) for job in found], total)


def levels(pool: ResourcePool, used: Amount) -> list[Level]:
    rows: list[tuple[Promise | str, int, int | None, Callable[[int], str]]] = [
        ("CPU", used.cpu, pool.cpu_millis, quantities.show_cpu),
        (_("Memory"), used.memory, pool.memory_bytes, quantities.show_memory),
        ("GPU", used.gpu, pool.gpus, str),
    ]
    return [
        Level(name, show(amount), "" if total is None else show(total), percent(amount, total))
        for name, amount, total, show in rows
        if amount or total
    ]


def percent(used: int, total: int | None) -> int:
    return 0 if not total else min(100, round(100 * used / total))


def uses(pools: Iterable[ResourcePool], span: str, now: datetime) -> Mapping[int, list[PoolUse]]:
    """By pool, in order. Of a long time only some minutes: a chart has fewer points than a week has minutes."""
    minutes = range(0, 60, STEP_MINUTES[span])
    wanted = PoolUse.objects.filter(pool__in=list(pools), at__gte=now - RANGES[span], at__minute__in=minutes)
    found: dict[int, list[PoolUse]] = {}
    for use in wanted.order_by("at"):
        found.setdefault(use.pool_id, []).append(use)
    return found


def charts(pool: ResourcePool, history: Sequence[PoolUse], span: str, now: datetime) -> list[Chart]:
    """How full it was, in percent of what it has, and how many jobs ran and waited. Without samples none."""
    if not history:
        return []
    window = Window(now - RANGES[span], now, 2.5 * 60 * STEP_MINUTES[span])
    shares = [
        Series(name, tone, [(use.at, percent(getattr(use, column), total)) for use in history])
        for name, tone, column, total in (
            ("CPU", "first", "cpu_millis", pool.cpu_millis),
            (_("Memory"), "second", "memory_bytes", pool.memory_bytes),
            ("GPU", "third", "gpus", pool.gpus),
        )
        if total
    ]
    jobs = [
        Series(_("Running"), "running", [(use.at, use.running) for use in history]),
        Series(_("Waiting"), "waiting", [(use.at, use.waiting) for use in history]),
    ]
    drawn = [draw(_("Jobs"), jobs, window)]
    return [draw(_("In use"), shares, window, top=100, unit="%"), *drawn] if shares else drawn
