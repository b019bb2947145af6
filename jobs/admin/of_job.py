"""Records that belong to a job: found by its id or by the name of one of its pods."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs.admin.shown import link_to_job
from jobs.identifiers import parse_pod_name
from jobs.models import Job
from jobs_platform.admin_classes import ReadOnlyAdmin


class OfJobAdmin(ReadOnlyAdmin):
    """Search takes a whole job id or pod name: both are indexed, parts of them are not."""

    search_fields = ("job__public_id",)
    search_help_text = _("A job id, or the name of one of its pods")
    list_select_related: ClassVar[Any] = ("job",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.list_select_related)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        pod = parse_pod_name(term)
        return self.of_pod(queryset, *pod) if pod else queryset.filter(job__public_id=term), False

    def of_pod(self, queryset: QuerySet[Any], job_id: str, attempt: int, replica: int) -> QuerySet[Any]:
        return queryset.filter(job__public_id=job_id)

    @admin.display(description=_("training job"))
    def job_link(self, row: Any) -> SafeString:
        job: Job = row.job
        return link_to_job(job)
