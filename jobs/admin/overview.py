"""What ops staff see first: how the jobs, the pools and the processes are. Each part costs the same however many jobs
there are; the slow part, asking every process, is a request of its own."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from jobs import doctor, wording
from jobs.dashboard import pool_health
from jobs.dashboard.pool_chart import Chart, Series, Window, draw
from jobs.dashboard.status import TONES, WORDS
from jobs.models import Job, JobCount, PoolUse, ResourcePool
from jobs.states import ACTIVE, JobStatus

DAY = timedelta(hours=24)
STEP_MINUTES = 5
LATEST = 5000  # jobs among which failures are counted
OLDEST = 5
REASONS = 8
WAITING = (JobStatus.PENDING.value, JobStatus.QUEUED.value)


@dataclass(frozen=True, slots=True)
class Count:
    word: str | Promise
    status: str
    tone: str
    number: int


@dataclass(frozen=True, slots=True)
class Failures:
    """Of the newest `among` jobs."""

    among: int
    reasons: list[tuple[str, int]]


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold's DASHBOARD_CALLBACK. Only superusers see across projects."""
    if not request.user.is_superuser:
        return context
    now = timezone.now()
    pools = list(ResourcePool.objects.order_by("name"))
    return {
        **context,
        "overview": True,
        "counts": counts(),
        "chart": chart(now),
        "pools": [(pool, pool_health.health(pool)) for pool in pools],
        "oldest": oldest_waiting(pools),
        "failures": failures(),
    }


def counts() -> list[Count]:
    numbers = dict(JobCount.objects.order_by().values_list("status").annotate(jobs=Sum("count")))
    return [
        Count(WORDS[status], status.value, TONES[status], numbers.get(status.value, 0))
        for status in JobStatus
        if status in ACTIVE or numbers.get(status.value)
    ]


def chart(now: datetime) -> Chart | None:
    """How many jobs ran and waited in the last day, in all pools. None without samples."""
    samples = (
        PoolUse.objects.filter(at__gte=now - DAY, at__minute__in=range(0, 60, STEP_MINUTES))
        .order_by("at")
        .values_list("at")
        .annotate(running=Sum("running"), waiting=Sum("waiting"))
    )
    rows = list(samples)
    if not rows:
        return None
    series = [
        Series(_("Running"), "running", [(at, running) for at, running, _waiting in rows]),
        Series(_("Waiting"), "waiting", [(at, waiting) for at, _running, waiting in rows]),
    ]
    return draw(_("Jobs in the last 24 hours"), series, Window(now - DAY, now, 2.5 * 60 * STEP_MINUTES))


def oldest_waiting(pools: Sequence[ResourcePool]) -> list[tuple[Job, str]]:
    """With the reason why."""
    waiting = Job.objects.active().filter(pool__in=pools, status__in=WAITING, deleted_at=None).order_by("pk")
    found = waiting.select_related("owner", "pool", "queue").defer("config", "secret_envs", "labels")[:OLDEST]
    return [(job, wording.status_message(job)) for job in found]


def failures() -> Failures:
    latest = list(Job.objects.order_by("-pk").values_list("status", "status_reason")[:LATEST])
    reasons = Counter(reason for status, reason in latest if status == JobStatus.FAILED)
    return Failures(len(latest), reasons.most_common(REASONS))


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """What manage.py doctor says, as a part of the page. Takes a second or so: it asks the worker."""
    if not request.user.is_superuser:
        raise PermissionDenied
    return TemplateResponse(request, "admin/_health.html", {"findings": doctor.examine()})


health_page = admin.site.admin_view(health)
