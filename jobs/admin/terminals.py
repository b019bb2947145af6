"""Web terminals: the sessions, which can be ended here, the web processes that have them, and the tickets that opened
them, without the tickets' hashes."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from jobs.admin.of_job import OfJobAdmin
from jobs.admin.shown import linked
from jobs.admin.terminal_end import end_terminals
from jobs.models import TerminalServer, TerminalSession, TerminalTicket
from jobs_platform.admin_classes import ReadOnlyAdmin


class OpenFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Open")), ("detached", _("Open, nobody connected")), ("0", _("Ended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "1":
                return queryset.filter(ended_at=None)
            case "detached":
                return queryset.filter(ended_at=None, detached_at__isnull=False)
            case "0":
                return queryset.filter(ended_at__isnull=False)
        return queryset


@admin.register(TerminalSession)
class TerminalSessionAdmin(OfJobAdmin):
    list_display = (
        "started_at",
        "user_link",
        "job_link",
        "pod",
        "address",
        "detached_at",
        "watchable",
        "ended_at",
        "end_reason",
    )
    list_filter = (OpenFilter, "started_at")
    list_select_related: ClassVar[Any] = ("user", "job", "pod")
    actions = (end_terminals,)
    fields = (
        "user_link",
        "job_link",
        "pod",
        "address",
        "server",
        "started_at",
        "detached_at",
        "watchable",
        "ended_at",
        "end_reason",
        "exit_code",
        "bytes_in",
        "bytes_out",
    )
    readonly_fields = ("job_link", "user_link")

    user_link = linked("user", _("user"))

    def has_end_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


@admin.register(TerminalServer)
class TerminalServerAdmin(ReadOnlyAdmin):
    ordering = ("-beat_at",)
    list_display = ("id", "address", "started_at", "beat_at")
    fields = ("id", "address", "started_at", "beat_at")


@admin.register(TerminalTicket)
class TerminalTicketAdmin(OfJobAdmin):
    list_display = ("created_at", "user_link", "job_link", "pod", "expires_at", "used_at")
    list_select_related: ClassVar[Any] = ("user", "job", "pod")
    fields = ("user_link", "job_link", "pod", "created_at", "expires_at", "used_at")
    readonly_fields = ("job_link", "user_link")

    user_link = linked("user", _("user"))
