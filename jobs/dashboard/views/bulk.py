"""What the list does with several jobs at once, and its small lines of losses."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST, require_safe

from jobs import services
from jobs.dashboard import listing
from jobs.dashboard.losses import losses
from jobs.dashboard.views.origin import origin_of
from jobs.dashboard.views.page import page, reader
from jobs.exceptions import PlatformError, ValidationFailed
from jobs.identifiers import JOB_ID
from jobs.models import Job

MOST = 100
SERVICES = {"stop": services.stop, "delete": services.delete}


@require_POST
@page
def bulk(request: HttpRequest) -> HttpResponse:
    """Stops or deletes each of the jobs. A job that cannot be does not stop the others: it is named with the reason."""
    service = SERVICES.get(request.POST.get("action", ""))
    ids = request.POST.getlist("job")[:MOST]
    if service is None or not ids:
        raise ValidationFailed({"action": ["stop, delete"]})
    user, origin = reader(request), origin_of(request)
    refused = []
    for job_id in ids:
        try:
            service(actor=user, public_id=job_id, origin=origin)
        except PlatformError as exc:
            refused.append(f"{job_id}: {exc.message}")
    return JsonResponse({"done": len(ids) - len(refused), "refused": refused})


@require_safe
@page
def job_losses(request: HttpRequest) -> HttpResponse:
    ids = [one for one in request.GET.get("ids", "").split(",") if JOB_ID.fullmatch(one)][: listing.PAGE_SIZE]
    jobs = Job.objects.visible_to(reader(request)).filter(public_id__in=ids).only("public_id", "attempt_number")
    return JsonResponse(losses(jobs))
