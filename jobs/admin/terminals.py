"""Web terminals: the sessions and the tickets that opened them, without the tickets' hashes."""

from typing import Any, ClassVar

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from jobs.admin.of_job import OfJobAdmin
from jobs.admin.shown import linked
from jobs.models import TerminalSession, TerminalTicket


@admin.register(TerminalSession)
class TerminalSessionAdmin(OfJobAdmin):
    list_display = ("started_at", "user_link", "job_link", "pod", "address", "ended_at", "end_reason")
    list_select_related: ClassVar[Any] = ("user", "job", "pod")
    fields = (
        "user_link",
        "job_link",
        "pod",
        "address",
        "started_at",
        "ended_at",
        "end_reason",
        "exit_code",
        "bytes_in",
        "bytes_out",
    )
    readonly_fields = ("job_link", "user_link")

    user_link = linked("user", _("user"))


@admin.register(TerminalTicket)
class TerminalTicketAdmin(OfJobAdmin):
    list_display = ("created_at", "user_link", "job_link", "pod", "expires_at", "used_at")
    list_select_related: ClassVar[Any] = ("user", "job", "pod")
    fields = ("user_link", "job_link", "pod", "created_at", "expires_at", "used_at")
    readonly_fields = ("job_link", "user_link")

    user_link = linked("user", _("user"))
