"""Stop and delete for the jobs ticked in the list: confirmed with the count, done one by one by the services, and told
for each job that could not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import User
from jobs import services
from jobs.exceptions import PlatformError
from jobs.models import Job
from jobs_platform import request_id
from jobs_platform.client_address import client_address

MOST = 500  # jobs a request: each is a transaction of its own
TOLD = 20  # refusals told one by one


@dataclass(frozen=True, slots=True)
class Action:
    name: str
    verb: str | Promise
    service: Callable[..., object]
    done: Callable[[int], str]


def stopped(count: int) -> str:
    text = ngettext(
        "%(count)d training job is stopping or stopped.", "%(count)d training jobs are stopping or stopped.", count
    )
    return text % {"count": count}


def deleted(count: int) -> str:
    return ngettext("%(count)d training job was deleted.", "%(count)d training jobs were deleted.", count) % {
        "count": count
    }


def run_again(count: int) -> str:
    text = ngettext("%(count)d training job was created.", "%(count)d training jobs were created.", count)
    return text % {"count": count}


AGAIN = Action("run_jobs_again", _("Run again"), services.run_again, run_again)
STOP = Action("stop_jobs", _("Stop"), services.stop, stopped)
DELETE = Action("delete_jobs", _("Delete"), services.delete, deleted)


@admin.action(description=_("Stop the selected training jobs"), permissions=["control"])
def stop_jobs(model_admin: Any, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
    return carry_out(STOP, model_admin, request, queryset)


@admin.action(description=_("Delete the selected training jobs"), permissions=["control"])
def delete_jobs(model_admin: Any, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
    return carry_out(DELETE, model_admin, request, queryset)


@admin.action(description=_("Run the selected training jobs again"), permissions=["control"])
def run_jobs_again(model_admin: Any, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
    return carry_out(AGAIN, model_admin, request, queryset)


def carry_out(action: Action, model_admin: Any, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
    """The confirmation page first; when it was answered, the work."""
    jobs = list(queryset[: MOST + 1])
    if len(jobs) > MOST:
        text = _("More than %(most)d training jobs are selected. Narrow the list by a filter and go in steps.")
        model_admin.message_user(request, text % {"most": MOST}, messages.ERROR)
        return None
    if request.POST.get("confirmed") != "yes":
        return confirmation(action, model_admin, request, jobs)
    refusals = for_each(action, request, jobs)
    if done := len(jobs) - len(refusals):
        model_admin.message_user(request, action.done(done), messages.SUCCESS)
    tell(model_admin, request, refusals)
    return None


def confirmation(action: Action, model_admin: Any, request: HttpRequest, jobs: Sequence[Job]) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": action.verb,
        "action": action,
        "jobs": jobs,
        "opts": model_admin.model._meta,
        "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/jobs/job/confirm_action.html", context)


def for_each(action: Action, request: HttpRequest, jobs: Sequence[Job]) -> list[str]:
    """What was refused, with the reason; a refused job does not stop the others."""
    actor = cast("User", request.user)
    origin = services.Origin(address=client_address(request), request_id=request_id.current.get())
    refusals: list[str] = []
    for job in jobs:
        try:
            action.service(actor=actor, public_id=job.public_id, origin=origin)
        except PlatformError as exc:
            refusals.append(f"{job.name} ({job.public_id}): {exc.message}")
    return refusals


def tell(model_admin: Any, request: HttpRequest, refusals: Sequence[str]) -> None:
    for text in refusals[:TOLD]:
        model_admin.message_user(request, text, messages.ERROR)
    if len(refusals) > TOLD:
        rest = _("%(count)d more were refused.") % {"count": len(refusals) - TOLD}
        model_admin.message_user(request, rest, messages.ERROR)
