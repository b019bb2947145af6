"""GET /api/jobs/{jobId}/logs: the logs of all replicas as one, at once or as they are written."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.credentials import Credential
from jobs.api import job_log_query
from jobs.api.job_log_query import JobLogRequest
from jobs.api.job_log_streams import as_events, as_text
from jobs.api.job_log_target import JobTarget, find_job_target, parts_of, require_any_captured
from jobs.api.logs import STREAM_HEADERS, TEXT, media_types
from jobs.logs import sse
from jobs.logs.filesystem import configured_store
from jobs.logs.merged.cursor import encode
from jobs.logs.merged.page import JobPage, read_page
from jobs.logs.merged.protocol import line_facts
from jobs_platform.api.envelope import JSON
from jobs_platform.api.operations import Operation, documented
from jobs_platform.api.renderers import answer
from jobs_platform.api.views import ApiView

MOST_BYTES = 4 << 20  # of one answer: putting lines in order and showing each by itself takes its time


class LineShape(serializers.Serializer[Any]):
    replica = serializers.IntegerField()
    attempt = serializers.IntegerField()
    time = serializers.CharField(help_text="When its first byte was written: RFC 3339, nine digits of the second.")
    text = serializers.CharField(allow_blank=True)


class JobLogsData(serializers.Serializer[Any]):
    lines = LineShape(many=True, help_text="In the order of their times.")
    truncated = serializers.BooleanField(help_text="Something that was asked for was left out: there is too much.")
    totalBytes = serializers.IntegerField(help_text="The size of the logs that were asked for, together.")
    cursor = serializers.CharField(help_text="Where to go on from.")
    complete = serializers.BooleanField(help_text="Nothing more will be written.")
    streamUrl = serializers.CharField(required=False, help_text="With follow=true: the WebSocket to go on from.")


class JobLogsView(ApiView):
    @documented(
        Operation(
            id="getJobLogs",
            tag="Training jobs",
            summary="The logs of a job's replicas as one; with follow=true as a stream, unless Accept is "
            "application/json alone",
            data=JobLogsData,
            errors=("VALIDATION_ERROR", "JOB_NOT_FOUND", "POOL_UNAVAILABLE", "LOGS_UNAVAILABLE"),
            parameters=job_log_query.PARAMETERS,
            text=True,
        )
    )
    def get(self, request: Request, job_id: str) -> Response | HttpResponse | StreamingHttpResponse:
        wanted = job_log_query.read(request._request.GET, request.headers.get("Last-Event-ID", ""))
        target = find_job_target(actor=self.actor, job_id=job_id, wanted=wanted)
        accepted = media_types(request.headers.get("Accept", ""))
        if wanted.follow and accepted != {JSON}:
            return stream(request, target, wanted, events=sse.MEDIA_TYPE in accepted)
        page = read_now(target, wanted)
        if accepted == {"text/plain"}:
            return as_plain_text(page, wanted)
        data = show(page)
        if wanted.follow:
            data["streamUrl"] = stream_url(request, data["cursor"])
        response = answer(data)
        response["Cache-Control"] = "no-store"
        return response


def stream(request: Request, target: JobTarget, wanted: JobLogRequest, *, events: bool) -> StreamingHttpResponse:
    assert isinstance(request.auth, Credential)
    form = as_events if events else as_text
    return StreamingHttpResponse(
        form(target, wanted, request.auth.key),
        content_type=sse.MEDIA_TYPE if events else TEXT,
        headers=STREAM_HEADERS,
    )


def read_now(target: JobTarget, wanted: JobLogRequest) -> JobPage:
    most = min(settings.LOG_RESPONSE_MAX_BYTES, MOST_BYTES)
    page = read_page(configured_store(), parts_of(target), wanted.query, most, wanted.style)
    if not page.found:
        require_any_captured(target)
    return page


def as_plain_text(page: JobPage, wanted: JobLogRequest) -> HttpResponse:
    """The lines and nothing else; where to go on from stands in a header."""
    response = HttpResponse(b"".join(map(wanted.style.text, page.lines)), content_type=TEXT, headers=STREAM_HEADERS)
    response["X-Log-Cursor"] = encode(page.cursor)
    return response


def show(page: JobPage) -> dict[str, Any]:
    return {
        "lines": [line_facts(line) for line in page.lines],
        "truncated": page.truncated,
        "totalBytes": page.total_bytes,
        "cursor": encode(page.cursor),
        "complete": page.complete,
    }


def stream_url(request: Request, cursor: str) -> str:
    """The same log as a WebSocket, on the address the client used or PUBLIC_URL."""
    site = settings.PUBLIC_URL or f"{request._request.scheme}://{request.get_host()}"
    kept = {
        name: request._request.GET[name] for name in ("keyword", "replica", "attempt") if name in request._request.GET
    }
    return f"ws{site.removeprefix('http')}{request.path.rstrip('/')}?{urlencode({'cursor': cursor, **kept})}"
