"""One job: its page with its tabs, its refreshes, its log and its terminal."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from jobs import services
from jobs.api import job_first_error
from jobs.dashboard import detail
from jobs.dashboard.rights import Rights
from jobs.dashboard.views.page import page, reader
from jobs.dashboard.views.tabs import TABS, of_tab, tab_of
from jobs.models import Job, Pod
from jobs_platform.security_headers import framed_by_our_own, with_inline_styles


@require_safe
@page
def job_detail(request: HttpRequest, job_id: str) -> HttpResponse:
    """The tab is in the address; one that does not exist is the first."""
    shown = build(request, job_id)
    tab = tab_of(request)
    context = {"detail": shown, "tab": tab, "tabs": TABS, **of_tab(tab, request, shown)}
    return render(request, "jobs/detail.html", context)


@require_safe
@page
def live(request: HttpRequest, job_id: str) -> HttpResponse:
    """The parts of the page that change, each with its id."""
    return render(request, "jobs/_live.html", {"detail": build(request, job_id), "tab": tab_of(request)})


def build(request: HttpRequest, job_id: str) -> detail.Detail:
    user = reader(request)
    job = services.find_job(actor=user, public_id=job_id)
    asked = detail.Asked(
        pod=request.GET.get("pod", ""),
        all_events=request.GET.get("events") == "all",
        warnings_only=tab_of(request) == "events" and request.GET.get("type") == "warning",
        all_pods=request.GET.get("pods") == "all",
        whole_timeline=request.GET.get("timeline") == "all",
        run_only=request.GET.get("span") == "run",
    )
    return detail.build(user, job, timezone.now(), asked)


@require_safe
@page
def first_error(request: HttpRequest, job_id: str) -> HttpResponse:
    """The line that explains the failure, as a link; nothing where there is none."""
    job = services.find_job(actor=reader(request), public_id=job_id)
    asked = job_first_error.asked_of(job, None)
    found = job_first_error.found_in(asked, "")["firstError"] if asked.failed else None
    return render(request, "jobs/_first_error.html", {"job": job, "found": found})


@require_safe
@page
def log(request: HttpRequest, job_id: str, pod_name: str) -> HttpResponse:
    job, pod = find(request, job_id, pod_name)
    may_control = Rights(reader(request)).may_control(job)
    return render(request, "jobs/log.html", {"job": job, "pod": pod, "pods": pods_of(job), "may_control": may_control})


@require_safe
@page
def job_log(request: HttpRequest, job_id: str) -> HttpResponse:
    """All replicas' of one attempt as one: the attempt that is asked for, else the current one."""
    job = services.find_job(actor=reader(request), public_id=job_id)
    pods = pods_of(job)
    numbers = {str(pod.attempt.number): pod.attempt.number for pod in pods}
    attempt = numbers.get(request.GET.get("attempt", ""), max(job.attempt_number, 1))
    return render(request, "jobs/log.html", {"job": job, "attempt": attempt, "pods": pods})


def pods_of(job: Job) -> QuerySet[Pod]:
    """Those of the newest attempt first."""
    return Pod.objects.filter(job=job).select_related("attempt").order_by("-attempt__number", "replica")


@require_safe
@with_inline_styles
@page
def terminal(request: HttpRequest, job_id: str, pod_name: str) -> HttpResponse:
    """Who may not enter the pod sees why, unless they come with a link to watch somebody's terminal. The ticket is
    asked for by the page's script and checked there again."""
    job, pod = find(request, job_id, pod_name)
    if "watch" not in request.GET:
        services.require_control(reader(request), job)
    may_control = Rights(reader(request)).may_control(job)
    docked = "docked" in request.GET
    shown = {"job": job, "pod": pod, "may_control": may_control, "docked": docked}
    response = render(request, "jobs/terminal.html", shown)
    return framed_by_our_own(response) if docked else response


def find(request: HttpRequest, job_id: str, pod_name: str) -> tuple[Job, Pod]:
    job = services.find_job(actor=reader(request), public_id=job_id)
    return job, services.find_pod(job=job, name=pod_name)
