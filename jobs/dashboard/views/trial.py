"""The create form while somebody types: what is wrong with it so far, and whether the job would fit now."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from jobs import services
from jobs.api.normalisation import Normalised
from jobs.api.presenters import show_outlook
from jobs.dashboard import trial
from jobs.dashboard.forms.job import JobForm
from jobs.dashboard.views.origin import origin_of
from jobs.dashboard.views.page import page, reader
from jobs.exceptions import PlatformError
from jobs.reconcile.outlook import outlook

# For what is not typed yet: the page says by itself what must be filled in.
STAND_INS = {"jobName": "-", "image": "image", "command": "true"}


@require_POST
@page
def check_typed(request: HttpRequest) -> HttpResponse:
    """Answers 200 also for a body with errors: they are what was asked for."""
    form = JobForm.of_text(request.body.decode(errors="replace"))
    form.spec = {**(form.spec or {}), **missing(form.spec or {})}
    checked = None if form.errors else trial.check(form)
    told = fare(request, form, checked) if checked else None
    errors = [{"field": name, "message": message} for name, _label, message in form.summary]
    return JsonResponse({"errors": errors, "outlook": told})


def missing(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in STAND_INS.items() if body.get(name) in (None, "")}


def fare(request: HttpRequest, form: JobForm, checked: Normalised) -> dict[str, Any] | None:
    """How it would fare if it were submitted now. None where that is refused, which the form then says."""
    try:
        submitted = services.submit(
            actor=reader(request),
            config=checked.config,
            secrets=checked.secrets,
            origin=origin_of(request),
            dry_run=True,
        )
    except PlatformError as error:
        trial.take_refusal(form, error)
        return None
    return show_outlook(submitted.job, outlook(submitted.job, timezone.now()))
