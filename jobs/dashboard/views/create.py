"""The create form, empty or as a clone of a job, and its submit."""

import secrets
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from jobs import job_templates, services
from jobs.api.normalisation import Normalised
from jobs.dashboard import cloned_secrets, trial
from jobs.dashboard.forms.job import JobForm
from jobs.dashboard.rights import Rights
from jobs.dashboard.views.origin import origin_of, site_of
from jobs.dashboard.views.page import page, reader
from jobs.exceptions import IdempotencyMismatch, PermissionDenied, PlatformError
from jobs.models import Queue

FEW_TEMPLATES = 6  # offered above the form; the page of templates has all


@require_http_methods(["GET", "HEAD", "POST"])
@page
def create(request: HttpRequest) -> HttpResponse:
    rights = Rights(reader(request))
    if not rights.may_submit:
        raise PermissionDenied(
            _("Your role does not allow to submit jobs. Ask an admin of a project for a higher role.")
        )
    if request.method == "POST":
        return submit(request, JobForm.read(request.POST), rights)
    return show(request, first_form(request), rights)


def first_form(request: HttpRequest) -> JobForm:
    if source := request.GET.get("from"):
        job = services.find_job(actor=reader(request), public_id=source)
        return JobForm.of_body(job.config)
    if template := request.GET.get("template"):
        return JobForm.of_body(job_templates.find(actor=reader(request), pk=template).spec)
    default = Queue.objects.filter(is_default=True, pool__is_default=True).select_related("pool").first()
    return JobForm.blank(str(default) if default else "")


def submit(request: HttpRequest, form: JobForm, rights: Rights) -> HttpResponse:
    checked = trial.check(form)
    if checked is not None and is_begun_elsewhere(request):
        checked = cloned_secrets.filled(form, checked, actor=reader(request), source=request.POST.get("source", ""))
    if checked is None:
        return show(request, form, rights)
    try:
        submitted = save(request, checked)
    except PlatformError as error:
        trial.take_refusal(form, error)
        return show(request, form, rights)
    if submitted.created:
        messages.success(request, _("Training job created"))
    else:
        messages.info(request, _("This form was sent before: this is the job it made. Clone it to run it once more."))
    return redirect("dashboard:job", submitted.job.public_id)


def is_begun_elsewhere(request: HttpRequest) -> bool:
    """Whether the form came filled in, without the values of secrets."""
    return bool(request.POST.get("source") or request.POST.get("template"))


def save(request: HttpRequest, checked: Normalised) -> services.Submitted:
    """A form sent twice makes one job. Sent again with other content, after going back, it is a new wish: a new key."""
    arguments: dict[str, Any] = {
        "actor": reader(request),
        "config": checked.config,
        "secrets": checked.secrets,
        "origin": origin_of(request),
    }
    try:
        return services.submit(**arguments, idempotency_key=form_key(request.POST.get("form_key", "")))
    except IdempotencyMismatch:
        return services.submit(**arguments, idempotency_key=form_key(""))


def form_key(given: str) -> str:
    return f"form-{given[:64] or secrets.token_urlsafe(16)}"


def show(request: HttpRequest, form: JobForm, rights: Rights) -> HttpResponse:
    source = request.GET.get("from") or request.POST.get("source", "")
    context = {
        "form": form,
        "form_key": request.POST.get("form_key") or secrets.token_urlsafe(16),
        "source": source,
        "kept": cloned_secrets.names(actor=reader(request), source=source),
        "template": request.GET.get("template") or request.POST.get("template", ""),
        "templates": job_templates.listed(reader(request))[:FEW_TEMPLATES],
        "origin": site_of(request),
        "projects": rights.projects_to_submit_to(),
        "places": [str(queue) for queue in places()],
    }
    return render(request, "jobs/new.html", context, status=400 if form.errors else 200)


def places() -> list[Queue]:
    return list(
        Queue.objects.filter(enabled=True, pool__enabled=True)
        .select_related("pool")
        .order_by("-pool__is_default", "pool__name", "-is_default", "name")
    )
