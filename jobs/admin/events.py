"""What happened to jobs, and who asked for it."""

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs import wording
from jobs.admin.of_job import OfJobAdmin
from jobs.admin.shown import pretty_json
from jobs.models import AuditEntry, Event
from jobs_platform.admin_classes import ReadOnlyAdmin


@admin.register(Event)
class EventAdmin(OfJobAdmin):
    list_display = ("last_at", "job_link", "type", "reason", "sentence", "pod_name", "count", "source")
    list_filter = ("type",)
    fields = (
        "job_link",
        "attempt",
        "pod_name",
        "type",
        "reason",
        "sentence",
        "source",
        "count",
        "first_at",
        "last_at",
    )
    readonly_fields = ("job_link", "sentence")

    @admin.display(description=_("message"))
    def sentence(self, event: Event) -> str:
        return wording.event_message(event)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Search takes a whole job id: the entries of one object."""

    list_display = ("at", "actor_name", "action", "object_id", "project_slug", "address", "request_id")
    list_filter = ("at",)
    search_fields = ("object_id",)
    search_help_text = _("A whole job id")
    fields = ("at", "actor_name", "action", "object_id", "project_slug", "address", "request_id", "details")
    readonly_fields = ("details",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        term = search_term.strip()
        return (queryset.filter(object_id=term) if term else queryset), False

    @admin.display(description=_("detail"))
    def details(self, entry: AuditEntry) -> SafeString:
        return pretty_json(entry.detail)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """What was done on these very pages; what was done to jobs, from here or elsewhere, is in the audit."""

    list_display = ("action_time", "user", "content_type", "object_repr", "action_flag", "get_change_message")
    list_select_related = ("user", "content_type")
    list_filter = ("action_flag",)
    fields = ("action_time", "user", "content_type", "object_id", "object_repr", "action_flag", "get_change_message")
    readonly_fields = ("get_change_message",)
