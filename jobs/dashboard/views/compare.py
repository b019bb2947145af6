"""Two to eight jobs beside one another: where their specs differ, and their metrics in the same charts."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from jobs.dashboard import differences, others, status
from jobs.dashboard.views.page import page, reader
from jobs.models import Job


@require_safe
@page
def compare(request: HttpRequest) -> HttpResponse:
    """`ids` names the jobs, in their order; jobs that the reader may not see are named as not found."""
    found, unknown = others.find_all(reader(request), others.words_of(request.GET.getlist("ids")))
    jobs = [others.compared(job) for job in found]
    settings = differences.settings_of([job.config for job in found])
    everything = request.GET.get("all") == "1"
    context = {
        "jobs": [column(one, found) for one in jobs],
        "ids": ",".join(job.public_id for job in found),
        "settings": [one for one in settings if everything or one.differs],
        "equal": sum(not one.differs for one in settings),
        "everything": everything,
        "chart_jobs": [one.for_charts for one in jobs],
        "unknown": unknown,
        "offered": others.offered(found[0]) if found else [],
        "is_full": len(found) == others.MOST_COMPARED,
    }
    return render(request, "jobs/compare.html", context)


def column(one: others.Compared, all_jobs: list[Job]) -> dict[str, object]:
    now = timezone.now()
    return {
        "job": one.job,
        "colour": one.colour,
        "status": status.view_of(one.job, now),
        "duration": one.job.duration_seconds(now),
        "without": ",".join(job.public_id for job in all_jobs if job.pk != one.job.pk),
    }
