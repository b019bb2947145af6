"""Ends the terminals ticked in the list: confirmed with the names, audited one by one, and done by the web process that
has each within seconds."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import User
from jobs.models import TerminalSession
from jobs.services import Origin
from jobs.terminal import sessions
from jobs.terminal.protocol import Ending
from jobs_platform import request_id
from jobs_platform.client_address import client_address

MOST = 500  # a request: each is a transaction of its own
TITLE = _("End the selected terminals")


@admin.action(description=TITLE, permissions=["end"])
def end_terminals(model_admin: Any, request: HttpRequest, queryset: QuerySet[TerminalSession]) -> HttpResponse | None:
    """The confirmation page first; when it was answered, the work."""
    chosen = list(queryset.filter(ended_at=None).select_related("user", "pod", "job__project")[:MOST])
    if not chosen:
        model_admin.message_user(request, _("None of the selected terminals is open."), messages.WARNING)
        return None
    if request.POST.get("confirmed") != "yes":
        return confirmation(model_admin, request, chosen)
    actor = cast("User", request.user)
    origin = Origin(address=client_address(request), request_id=request_id.current.get())
    count = sum(sessions.request_end(actor, session, session.job, Ending.KILLED, origin) for session in chosen)
    model_admin.message_user(request, ending(count), messages.SUCCESS)
    return None


def confirmation(model_admin: Any, request: HttpRequest, chosen: list[TerminalSession]) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": TITLE,
        "sessions": chosen,
        "opts": model_admin.model._meta,
        "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/jobs/terminalsession/confirm_end.html", context)


def ending(count: int) -> str:
    text = ngettext("%(count)d terminal is ending.", "%(count)d terminals are ending.", count)
    return text % {"count": count}
