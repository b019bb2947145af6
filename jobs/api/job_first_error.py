"""GET /api/jobs/{jobId}/logs/first-error: the line, of all replicas, that explains why an attempt failed."""

from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from django.http import QueryDict, StreamingHttpResponse
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.job_log_query import ATTEMPT
from jobs.api.query_values import Refused, read_values
from jobs.api.slow_reads import in_slow_thread
from jobs.exceptions import ValidationFailed
from jobs.identifiers import pod_name
from jobs.logs.errors.find import first_error
from jobs.logs.errors.groups import Seen
from jobs.logs.filesystem import configured_store
from jobs.logs.matches import Matches
from jobs.logs.needle import Line
from jobs.logs.store import LogKey
from jobs.models import Attempt, Job
from jobs.services import find_job
from jobs.states import EndReason, JobStatus
from jobs_platform.api.later import LaterResponse
from jobs_platform.api.operations import Operation, Parameter, documented
from jobs_platform.api.renderers import answer
from jobs_platform.api.views import ApiView

CONTEXT_LINES = 5
CONTEXT_BYTES = 64 << 10  # on each side that are looked at for it
PARAMETERS = (Parameter("attempt", "The attempt's number; without it the current one", {"type": "integer"}),)


class FirstErrorShape(serializers.Serializer[Any]):
    podName = serializers.CharField()
    attempt = serializers.IntegerField()
    replica = serializers.IntegerField()
    kind = serializers.CharField(help_text="exception, memory, cuda, nccl, connection, killed, … (docs/streams.md)")
    line = serializers.IntegerField(help_text="The line's number in the pod's log, counted from 1.")
    cursor = serializers.IntegerField(help_text="Where in the pod's log the line begins.")
    time = serializers.CharField(help_text="When it was written: RFC 3339, UTC, nine digits of the second.")
    text = serializers.CharField()
    before = serializers.ListField(child=serializers.CharField())
    after = serializers.ListField(child=serializers.CharField())


class FirstErrorData(serializers.Serializer[Any]):
    firstError = FirstErrorShape(allow_null=True)
    reason = serializers.CharField(allow_blank=True, help_text="Why there is none.")


@dataclass(frozen=True, slots=True)
class Asked:
    job_id: str
    attempt: int
    replicas: int
    failed: bool

    @property
    def keys(self) -> list[LogKey]:
        return [LogKey(self.job_id, self.attempt, replica) for replica in range(self.replicas)]


class FirstErrorView(ApiView):
    @documented(
        Operation(
            id="getFirstError",
            tag="Training jobs",
            summary="The line, of all replicas' logs, that explains why the job failed",
            data=FirstErrorData,
            errors=("VALIDATION_ERROR", "JOB_NOT_FOUND", "LOGS_UNAVAILABLE"),
            parameters=PARAMETERS,
        )
    )
    def get(self, request: Request, job_id: str) -> Response | StreamingHttpResponse:
        asked = asked_of(find_job(actor=self.actor, public_id=job_id, related=False), read(request._request.GET))
        if not asked.failed:
            return answer(nothing(_("The attempt has not failed.")))
        return LaterResponse(
            partial(in_slow_thread, found_in, asked, _("No line at the end of the logs looks like an error."))
        )


def read(parameters: QueryDict) -> int | None:
    """Raises ValidationFailed."""
    given = {name: parameters.getlist(name) for name in parameters}
    found: int | None = read_values(given, {"attempt": attempt}).get("attempt")
    return found


def attempt(text: str) -> int:
    if not ATTEMPT.fullmatch(text):
        raise Refused(_("This must be an attempt's number from 1 on."))
    return int(text)


def asked_of(job: Job, number: int | None) -> Asked:
    """Raises ValidationFailed for an attempt that the job has not had."""
    wanted = max(job.attempt_number, 1) if number is None else number
    found = Attempt.objects.filter(job=job, number=wanted).only("end_reason").first()
    if found is None and number is not None:
        raise ValidationFailed({"attempt": [_("The training job has not had so many attempts.")]})
    current = wanted == job.attempt_number
    failed = found is not None and (
        job.state is JobStatus.FAILED if current and job.is_final else is_failure(found.end_reason)
    )
    return Asked(job.public_id, wanted, job.replicas, failed)


def is_failure(reason: str) -> bool:
    return bool(reason) and reason not in (EndReason.COMPLETED, EndReason.STOPPED_BY_USER)


def found_in(asked: Asked, without: str) -> dict[str, Any]:
    """`without`: the reason where there is none, in the reader's language."""
    found = first_error(configured_store(), asked.keys)
    return {"firstError": shown(asked, found), "reason": ""} if found else nothing(without)


def nothing(reason: str) -> dict[str, Any]:
    return {"firstError": None, "reason": reason}


def shown(asked: Asked, found: Seen) -> dict[str, Any]:
    with closing(configured_store().open(asked.keys[found.replica])) as log:
        match = Matches(log, CONTEXT_LINES, CONTEXT_BYTES).show(Line(found.start, found.end, found.start))
    return {
        "podName": pod_name(asked.job_id, asked.attempt, found.replica),
        "attempt": asked.attempt,
        "replica": found.replica,
        "kind": found.kind,
        **asdict(match),
    }
