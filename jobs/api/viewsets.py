"""The calls about training jobs. No rules live here: a body is read, a service is called, its answer is shown."""

import re
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import services
from jobs.api import paging, presenters, shapes
from jobs.api.filters import ListBody
from jobs.api.normalisation import normalise
from jobs.api.serializers import CreateBody
from jobs.events import newest_first
from jobs.exceptions import ValidationFailed
from jobs.models import Job, Pod
from jobs.reconcile.outlook import outlook as outlook_of
from jobs.services import Origin
from jobs_platform import request_id
from jobs_platform.api.operations import Operation, Parameter, documented
from jobs_platform.api.renderers import answer
from jobs_platform.api.views import ApiViewSet
from jobs_platform.client_address import client_address

TAG = "Training jobs"
# One instance of each for all requests: see jobs_platform.api.fields.
LIST_BODY, CREATE_BODY = ListBody(), CreateBody()
IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,255}")
MOST_EVENTS = 10_000


def origin_of(request: Request) -> Origin:
    return Origin(address=client_address(request._request), request_id=request_id.current.get())


class JobViewSet(ApiViewSet):
    def find(self, job_id: str, *, related: bool = False) -> Job:
        """Raises JobNotFound."""
        return services.find_job(actor=self.actor, public_id=job_id, related=related)

    @documented(
        Operation(
            id="listJobs",
            tag=TAG,
            summary="Search training jobs: a query, not a create",
            body=ListBody,
            data=shapes.JobListShape,
            errors=("VALIDATION_ERROR",),
            example={"keyword": "resnet", "status": "Running", "pageNumber": 1, "pageSize": 10},
        )
    )
    def search(self, request: Request) -> Response:
        page = paging.find(self.actor, LIST_BODY.read(request.data))
        now = timezone.now()
        return answer({"jobs": [presenters.show_item(job, now) for job in page.jobs], "totalCount": page.total})

    @documented(
        Operation(
            id="createJob",
            tag=TAG,
            summary="Create a training job; with dryRun (200) it is only checked and shown, with how it would fare now",
            body=CreateBody,
            data=shapes.CreatedShape,
            dry_run=shapes.CheckedShape,
            message=True,
            status=201,
            errors=(
                "VALIDATION_ERROR", "PERMISSION_DENIED", "POOL_NOT_FOUND", "QUEUE_NOT_FOUND", "PROJECT_NOT_FOUND",
                "IDEMPOTENCY_MISMATCH",
            ),
            parameters=(
                Parameter(
                    "Idempotency-Key",
                    "The same key and body again, in the same project, answers the first call's job.",
                    {"type": "string", "minLength": 1, "maxLength": 255},
                    "header",
                ),
            ),
            example={"jobName": "mnist", "image": "registry/image:tag", "command": ["python", "train.py"]},
        )
    )  # fmt: skip
    def create(self, request: Request) -> Response:
        wanted = normalise(CREATE_BODY.read(request.data))
        submitted = services.submit(
            actor=self.actor,
            config=wanted.config,
            secrets=wanted.secrets,
            origin=origin_of(request),
            idempotency_key=idempotency_key(request),
            dry_run=wanted.dry_run,
        )
        job = submitted.job
        if wanted.dry_run and not job.pk:
            outlook = presenters.show_outlook(job, outlook_of(job, timezone.now()))
            return answer({"jobName": job.name, "config": job.config, "outlook": outlook})
        return answer({"jobId": job.public_id, "jobName": job.name}, _("Training job created"), status=201)

    @documented(
        Operation(
            id="getJob",
            tag=TAG,
            summary="A training job in full",
            data=shapes.JobDetailShape,
            errors=("JOB_NOT_FOUND",),
        )
    )
    def retrieve(self, request: Request, job_id: str) -> Response:
        job = self.find(job_id, related=True)
        return answer(presenters.show_detail(job, pods_of(job), timezone.now()))

    @documented(
        Operation(
            id="stopJob", tag=TAG, summary="Stop a training job", message=True,
            errors=("PERMISSION_DENIED", "JOB_NOT_FOUND", "JOB_NOT_ACTIVE"),
        )
    )  # fmt: skip
    def stop(self, request: Request, job_id: str) -> Response:
        services.stop(actor=self.actor, public_id=job_id, origin=origin_of(request))
        return answer(message=_("Job stopped"))

    @documented(
        Operation(
            id="deleteJob", tag=TAG, summary="Delete a training job; one that runs is stopped first", message=True,
            errors=("PERMISSION_DENIED", "JOB_NOT_FOUND"),
        )
    )  # fmt: skip
    def destroy(self, request: Request, job_id: str) -> Response:
        services.delete(actor=self.actor, public_id=job_id, origin=origin_of(request))
        return answer(message=_("Job deleted"))

    @documented(
        Operation(
            id="listEvents", tag=TAG, summary="What happened to a training job, oldest first", data=shapes.EventsShape,
            errors=("JOB_NOT_FOUND",),
        )
    )  # fmt: skip
    def events(self, request: Request, job_id: str) -> Response:
        newest = newest_first(self.find(job_id))[:MOST_EVENTS]
        return answer({"events": [presenters.show_event(event) for event in reversed(newest)]})

    @documented(
        Operation(
            id="listPods", tag=TAG, summary="The pods of a training job, of every attempt", data=shapes.PodsShape,
            errors=("JOB_NOT_FOUND",),
        )
    )  # fmt: skip
    def pods(self, request: Request, job_id: str) -> Response:
        return answer({"pods": [presenters.show_pod(pod) for pod in pods_of(self.find(job_id))]})


def pods_of(job: Job) -> Any:
    return Pod.objects.filter(job=job).select_related("attempt").order_by("attempt__number", "replica")


def idempotency_key(request: Request) -> str | None:
    """Raises ValidationFailed unless it is 1 to 255 printable ASCII characters or not there."""
    key = request.headers.get("Idempotency-Key")
    if key is None or IDEMPOTENCY_KEY.fullmatch(key):
        return key
    raise ValidationFailed({"Idempotency-Key": [_("This must be 1 to 255 printable ASCII characters.")]})
