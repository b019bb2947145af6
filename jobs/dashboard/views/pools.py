"""The page of the resource pools and its refreshes."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from jobs.dashboard import pools
from jobs.dashboard.views.page import page, reader
from jobs.models import Job

DEFAULT_RANGE = "24h"


@require_safe
@page
def pool_list(request: HttpRequest) -> HttpResponse:
    return render(request, "jobs/pools.html", shown(request))


@require_safe
@page
def live(request: HttpRequest) -> HttpResponse:
    """The pools alone."""
    return render(request, "jobs/_pools.html", shown(request))


def shown(request: HttpRequest) -> dict[str, object]:
    span = request.GET.get("range", DEFAULT_RANGE)
    span = span if span in pools.RANGES else DEFAULT_RANGE
    visible = Job.objects.visible_to(reader(request))
    return {
        "pools": pools.build(visible, span, timezone.now()),
        "range": span,
        "ranges": list(pools.RANGE_WORDS.items()),
    }
