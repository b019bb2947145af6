"""Templates: their list, keeping what the create form says as one, and deleting one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from jobs import job_templates
from jobs.dashboard import trial
from jobs.dashboard.forms.job import JobForm
from jobs.dashboard.rights import Rights
from jobs.dashboard.views.create import show as show_form
from jobs.dashboard.views.origin import origin_of
from jobs.dashboard.views.page import page, reader
from jobs.exceptions import PlatformError, TemplateExists
from jobs.models import JobTemplate

MOST_SHOWN = 1000


@require_http_methods(["GET", "HEAD", "POST"])
@page
def templates(request: HttpRequest) -> HttpResponse:
    rights = Rights(reader(request))
    if request.method == "POST":
        return keep(request, JobForm.read(request.POST), rights)
    rows = [
        {"template": template, "may_control": rights.may_control_template(template)}
        for template in job_templates.listed(reader(request))[:MOST_SHOWN]
    ]
    return render(request, "jobs/templates.html", {"rows": rows, "may_submit": rights.may_submit})


def keep(request: HttpRequest, form: JobForm, rights: Rights) -> HttpResponse:
    """What the form says, under the job's name. The template that the form began with is replaced unless the name is
    another one now."""
    checked = trial.check(form)
    if checked is None:
        return show_form(request, form, rights)
    wanted = {"name": checked.config["jobName"], "spec": checked.config, "origin": origin_of(request)}
    try:
        store(request, wanted)
    except TemplateExists as error:
        form.add("jobName", error.message)
        return show_form(request, form, rights)
    except PlatformError as error:
        trial.take_refusal(form, error)
        return show_form(request, form, rights)
    return redirect("dashboard:templates")


def store(request: HttpRequest, wanted: dict[str, Any]) -> None:
    begun = begun_with(request)
    if begun and begun.name == wanted["name"]:
        job_templates.change(actor=reader(request), pk=str(begun.pk), **wanted)
        messages.success(request, _("Template changed"))
    else:
        job_templates.create(actor=reader(request), **wanted)
        messages.success(request, _("Template kept"))


def begun_with(request: HttpRequest) -> JobTemplate | None:
    pk = request.POST.get("template", "")
    return job_templates.find(actor=reader(request), pk=pk) if pk else None


@require_POST
@page
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    job_templates.delete(actor=reader(request), pk=str(pk), origin=origin_of(request))
    messages.success(request, _("Template deleted"))
    return redirect("dashboard:templates")
