"""Saved views of the job list: filters with a name, of one user."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from jobs.dashboard.listing import ListQuery
from jobs.dashboard.views.page import page, reader
from jobs.models import SavedView

MOST = 30  # of one user


@require_POST
@page
def save(request: HttpRequest) -> HttpResponse:
    """A name that is taken gets the new filters."""
    user, name = reader(request), request.POST.get("name", "").replace("\0", "").strip()[:40]
    query = ListQuery.read(QueryDict(request.POST.get("params", "").removeprefix("?")))
    params = query.url_params(1)
    if not name:
        messages.error(request, _("Give the view a name."))
    elif SavedView.objects.filter(user=user).exclude(name=name).count() >= MOST:
        messages.error(
            request, _("There are %(most)d saved views, which is the limit. Forget one first.") % {"most": MOST}
        )
    else:
        SavedView.objects.update_or_create(user=user, name=name, defaults={"params": params})
        messages.success(request, _("View saved"))
    return redirect(f"/{params}")


@require_POST
@page
def drop(request: HttpRequest, pk: int) -> HttpResponse:
    SavedView.objects.filter(user=reader(request), pk=pk).delete()
    messages.success(request, _("View forgotten"))
    return redirect("dashboard:jobs")
