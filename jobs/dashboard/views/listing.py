"""The job list and its refreshes."""

from collections.abc import Sequence

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.models import User
from jobs.dashboard import listing, status
from jobs.dashboard.rights import Rights
from jobs.dashboard.views.page import page, reader
from jobs.models import Queue, ResourcePool, SavedView

COLUMNS: dict[str, Promise] = {
    "loss": _("Loss"),
    "queue": _("Queue"),
    "owner": _("Owner"),
    "pods": _("Pods"),
    "duration": _("Duration"),
    "created": _("Created"),
}


@require_safe
@page
def job_list(request: HttpRequest) -> HttpResponse:
    context = {
        **shown(request),
        "filters": filter_choices(reader(request)),
        "columns": list(COLUMNS.items()),
        "views": list(SavedView.objects.filter(user=reader(request))),
    }
    return render(request, "jobs/list.html", context)


@require_safe
@page
def rows(request: HttpRequest) -> HttpResponse:
    """The table alone. `held` names the rows that must stay where they are."""
    return render(request, "jobs/_listing.html", shown(request, listing.read_held(request.GET.dict())))


def shown(request: HttpRequest, held: Sequence[str] = ()) -> dict[str, object]:
    user = reader(request)
    rights = Rights(user)
    return {
        "listing": listing.build(rights, listing.ListQuery.read(request.GET), timezone.now(), held),
        "hidden_columns": [name for name in request.COOKIES.get("columns", "").split(".") if name in COLUMNS],
        "may_submit": rights.may_submit,
        "origin": settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}",
    }


@require_safe
@page
def to_list(request: HttpRequest) -> HttpResponse:
    return redirect("dashboard:jobs")


def filter_choices(user: User) -> dict[str, list[tuple[str, str]]]:
    """Value and text of each filter's choices. Owners are the people of the user's projects."""
    people = User.objects.filter(is_active=True)
    if not user.is_superuser:
        people = people.filter(memberships__project__memberships__user=user).distinct()
    return {
        "status": [(key.value, str(word)) for key, word in status.WORDS.items()],
        "pool": [(pool.name, str(pool)) for pool in ResourcePool.objects.all()],
        "queue": [(name, name) for name in Queue.objects.order_by("name").values_list("name", flat=True).distinct()],
        "owner": [(name, name) for name in people.order_by("username").values_list("username", flat=True)[:500]],
    }
