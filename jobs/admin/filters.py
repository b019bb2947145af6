"""Filters of the job list that walk an index where the plain condition would read the whole table: of a million jobs
few run, and the list is in the order of ids."""

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.filters import ChoicesFieldListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from jobs.models import Job, JobCount
from jobs_platform.admin_classes import BoundedPaginator

MOST_PROJECTS = 50  # beyond, one plain condition costs less than so many walks


class StatusFilter(ChoicesFieldListFilter):
    """The newest jobs of that status in each project that has any, as many as the list shows at most."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.lookup_val:
            return queryset
        status = self.lookup_val[-1]
        counts = JobCount.objects.filter(status=status, count__gt=0)
        projects = list(counts.values_list("project_id", flat=True)[: MOST_PROJECTS + 1])
        if len(projects) > MOST_PROJECTS or "deleted" in request.GET:
            return queryset.filter(status=status)
        newest = Q(pk__in=[])
        for project in projects:
            jobs = Job.objects.filter(project_id=project, status=status, deleted_at=None).order_by("-id")
            newest |= Q(pk__in=jobs.values("pk")[: BoundedPaginator.LIMIT])
        return queryset.filter(newest)


class DeletedFilter(admin.SimpleListFilter):
    """Deleted jobs are tombstones until nothing of them runs: shown on request."""

    title = _("deleted")
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Deleted"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "1":
            return queryset.filter(pk__in=Job.objects.filter(deleted_at__isnull=False).values("pk"))
        return queryset.filter(deleted_at=None)


class CreatedFilter(admin.SimpleListFilter):
    """By age. As ids grow with time it is a bound of the id: no index on the time is needed, and the rows of a page and
    their count are found from the newest on."""

    title = _("created")
    parameter_name = "created"
    AGES: ClassVar[dict[str, timedelta]] = {
        "1h": timedelta(hours=1),
        "24h": timedelta(days=1),
        "7d": timedelta(days=7),
        "30d": timedelta(days=30),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("1h", _("In the last hour")),
            ("24h", _("In the last 24 hours")),
            ("7d", _("In the last 7 days")),
            ("30d", _("In the last 30 days")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        age = self.AGES.get(self.value() or "")
        if age is None:
            return queryset
        older = Job.objects.filter(created_at__lt=timezone.now() - age).order_by("-pk").values_list("pk", flat=True)
        return queryset.filter(pk__gt=older.first() or 0)
