"""Training jobs: to find, to read, to stop and to delete. A field is never written here; the two actions call the
services that the API calls."""

from datetime import datetime

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs import wording
from jobs.admin.actions import delete_jobs, run_jobs_again, stop_jobs
from jobs.admin.export import export_jobs
from jobs.admin.filters import CreatedFilter, DeletedFilter, StatusFilter
from jobs.admin.shown import link_to_records, linked, pretty_json
from jobs.models import Job
from jobs.querysets import JobQuerySet
from jobs_platform.admin_classes import ReadOnlyAdmin


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "public_id",
        "status",
        "owner_link",
        "project_link",
        "pool_link",
        "queue_name",
        "replicas",
        "created_at",
    )
    list_filter = (DeletedFilter, CreatedFilter, ("status", StatusFilter), "project", "pool")
    list_select_related = ("owner", "project", "pool", "queue")
    search_fields = ("name",)
    search_help_text = _("A part of the name or of the id")
    actions = (stop_jobs, run_jobs_again, delete_jobs, export_jobs)
    fieldsets = (
        (None, {"fields": ("public_id", "name", "status", "sentence", "desired", "records")}),
        (
            _("Where"),
            {
                "fields": (
                    "project_link",
                    "owner_link",
                    "pool_link",
                    "queue_name",
                    "priority",
                    "replicas",
                    "attempt_number",
                )
            },
        ),
        (_("Request"), {"fields": ("config_shown",)}),
        (_("Timestamps"), {"fields": ("created_at", "queued_at", "started_at", "finished_at", "deleted_at")}),
        (_("Reconcile"), {"fields": ("observed_at", "next_look", "failures", "last_error")}),
    )

    project_link = linked("project", _("project"))
    owner_link = linked("owner", _("owner"))
    pool_link = linked("pool", _("resource pool"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        return super().get_queryset(request).select_related(*self.list_select_related).defer("secret_envs")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Job], search_term: str
    ) -> tuple[QuerySet[Job], bool]:
        """Through the keyword index of the API, not a LIKE over every row."""
        assert isinstance(queryset, JobQuerySet)
        return (queryset.matching(search_term.strip()) if search_term.strip() else queryset), False

    def has_control_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @admin.display(description=_("next look"))
    def next_look(self, job: Job) -> datetime | None:
        return job.next_check_at

    @admin.display(description=_("queue"))
    def queue_name(self, job: Job) -> str:
        return job.queue.name

    @admin.display(description=_("message"))
    def sentence(self, job: Job) -> str:
        return wording.status_message(job)

    @admin.display(description=_("configuration"))
    def config_shown(self, job: Job) -> SafeString:
        return pretty_json(job.config)

    @admin.display(description=_("records"))
    def records(self, job: Job) -> SafeString:
        models = {
            "attempt": _("attempts"),
            "pod": "pods",
            "event": _("events"),
            "terminalsession": _("terminal sessions"),
        }
        links = ((link_to_records(job, model, str(text)),) for model, text in models.items())
        return format_html_join(" · ", "{}", links)
