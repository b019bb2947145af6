"""Stop and delete. A GET shows the question as a page, for browsers without the dialog."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from jobs import services
from jobs.dashboard.views.origin import origin_of
from jobs.dashboard.views.page import page, reader
from jobs.exceptions import JobNotActive


@require_http_methods(["GET", "HEAD", "POST"])
@page
def stop(request: HttpRequest, job_id: str) -> HttpResponse:
    user = reader(request)
    if request.method != "POST":
        return question(request, job_id, "stop")
    try:
        job = services.stop(actor=user, public_id=job_id, origin=origin_of(request))
        messages.success(request, _("Job stopped") if job.is_final else _("Stopping: the job ends shortly."))
    except JobNotActive as error:
        messages.warning(request, error.message)
    return redirect(next_page(request) or f"/jobs/{job_id}")


@require_http_methods(["GET", "HEAD", "POST"])
@page
def delete(request: HttpRequest, job_id: str) -> HttpResponse:
    if request.method != "POST":
        return question(request, job_id, "delete")
    services.delete(actor=reader(request), public_id=job_id, origin=origin_of(request))
    messages.success(request, _("Job deleted"))
    return redirect(next_page(request) or "dashboard:jobs")


def question(request: HttpRequest, job_id: str, action: str) -> HttpResponse:
    job = services.find_job(actor=reader(request), public_id=job_id)
    services.require_control(reader(request), job)
    return render(request, "jobs/confirm.html", {"job": job, "action": action, "next": next_page(request)})


def next_page(request: HttpRequest) -> str:
    """Where the reader came from, when it is a page of this site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else ""
