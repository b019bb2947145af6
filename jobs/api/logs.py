"""GET /api/jobs/{jobId}/pods/{podName}/logs: a pod's log, at once or as it is written."""

from collections.abc import AsyncGenerator, Callable
from contextlib import closing
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import StreamingHttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.credentials import Credential
from jobs.api import log_query
from jobs.api.log_query import LogRequest
from jobs.api.log_streams import as_events, as_text
from jobs.api.log_target import Target, find_target, require_at_hand, require_captured
from jobs.api.slow_reads import in_slow_thread
from jobs.logs import gaps, sse
from jobs.logs.filesystem import configured_store
from jobs.logs.reader import Page, read_page
from jobs.logs.store import LogNotFound
from jobs_platform.api.envelope import JSON
from jobs_platform.api.later import LaterResponse
from jobs_platform.api.operations import Operation, documented
from jobs_platform.api.renderers import answer
from jobs_platform.api.views import ApiView

TEXT = "text/plain; charset=utf-8"
# Proxies hand on what comes as it comes, and keep none of it.
STREAM_HEADERS = {"X-Accel-Buffering": "no", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

AT_ONCE = 8 << 20  # bytes of a log that a request's own thread may go through

Form = Callable[[Target, LogRequest, str], AsyncGenerator[bytes, None]]


class GapShape(serializers.Serializer[Any]):
    line = serializers.IntegerField(help_text="The line's number in the log, counted from 1.")
    reason = serializers.ChoiceField(choices=[reason.value for reason in gaps.Reason])
    message = serializers.CharField()
    time = serializers.CharField(allow_null=True)


class LogsData(serializers.Serializer[Any]):
    logs = serializers.CharField()
    truncated = serializers.BooleanField(help_text="Something that was asked for was left out: the log is too large.")
    totalBytes = serializers.IntegerField(help_text="The size of the pod's whole log now.")
    cursor = serializers.IntegerField(help_text="Where to go on from.")
    complete = serializers.BooleanField(help_text="The pod will write nothing more.")
    firstLine = serializers.IntegerField(
        required=False, help_text="With line or lineNumbers: which line the answer begins with, counted from 1."
    )
    gaps = GapShape(
        many=True, required=False, help_text="With firstLine: the platform's own lines in the answer, by their numbers."
    )
    streamUrl = serializers.CharField(required=False, help_text="With follow=true: the WebSocket to go on from.")


class LogsView(ApiView):
    @documented(
        Operation(
            id="getPodLogs",
            tag="Training jobs",
            summary="A pod's log; with follow=true as a stream, unless Accept is application/json alone",
            data=LogsData,
            errors=("VALIDATION_ERROR", "JOB_NOT_FOUND", "POD_NOT_FOUND", "POOL_UNAVAILABLE", "LOGS_UNAVAILABLE"),
            parameters=log_query.PARAMETERS,
            text=True,
        )
    )
    def get(self, request: Request, job_id: str, pod_name: str) -> Response | StreamingHttpResponse:
        wanted = log_query.read(request._request.GET, request.headers.get("Last-Event-ID", ""))
        target = find_target(
            actor=self.actor, job_id=job_id, pod_name=pod_name, container=wanted.container, follow=wanted.follow
        )
        accepted = media_types(request.headers.get("Accept", ""))
        if wanted.follow and accepted != {JSON}:
            require_at_hand(target)
            return stream(request, target, wanted, events=sse.MEDIA_TYPE in accepted)
        if is_slow(wanted) and size_of(target) > AT_ONCE:
            return LaterResponse(partial(in_slow_thread, answered, request, target, wanted))
        response = answer(answered(request, target, wanted))
        response["Cache-Control"] = "no-store"
        return response


def media_types(accept: str) -> set[str]:
    return {part.partition(";")[0].strip().lower() for part in accept.split(",") if part.strip()}


def stream(request: Request, target: Target, wanted: LogRequest, *, events: bool) -> StreamingHttpResponse:
    """An asynchronous body: a synchronous one would be read to its end before anything is sent."""
    assert isinstance(request.auth, Credential)
    form: Form = as_events if events else as_text
    return StreamingHttpResponse(
        form(target, wanted, request.auth.key),
        content_type=sse.MEDIA_TYPE if events else TEXT,
        headers=STREAM_HEADERS,
    )


def is_slow(wanted: LogRequest) -> bool:
    """Whether much of a large log may have to be read for it."""
    return bool(wanted.query.keyword or wanted.query.line or wanted.query.numbered)


def size_of(target: Target) -> int:
    """Raises PoolUnavailable where the log is missing and ought not to be."""
    try:
        log = configured_store().open(target.key)
    except LogNotFound:
        require_captured(target)
        return 0
    with closing(log):
        return log.size()


def answered(request: Request, target: Target, wanted: LogRequest) -> dict[str, Any]:
    data = show(read_now(target, wanted))
    if wanted.follow:
        data["streamUrl"] = stream_url(request, wanted, data["cursor"])
    return data


def read_now(target: Target, wanted: LogRequest) -> Page:
    try:
        log = configured_store().open(target.key)
    except LogNotFound:
        require_captured(target)
        return Page("", 0, 0, truncated=False, complete=False)
    with closing(log):
        return read_page(log, wanted.query, settings.LOG_RESPONSE_MAX_BYTES)


def show(page: Page) -> dict[str, Any]:
    data = {
        "logs": page.text,
        "truncated": page.truncated,
        "totalBytes": page.total_bytes,
        "cursor": page.cursor,
        "complete": page.complete,
    }
    if page.first_line is None:
        return data
    told = [{"line": line, **gaps.facts(gap)} for line, gap in page.gaps]
    return {**data, "firstLine": page.first_line, "gaps": told}


def stream_url(request: Request, wanted: LogRequest, cursor: int) -> str:
    """The same log as a WebSocket, on the address the client used or PUBLIC_URL."""
    site = settings.PUBLIC_URL or f"{request._request.scheme}://{request.get_host()}"
    parameters = {"cursor": str(cursor)}
    if wanted.query.timestamps:
        parameters["timestamps"] = "true"
    if wanted.query.keyword:
        parameters["keyword"] = wanted.query.keyword.decode()
    return f"ws{site.removeprefix('http')}{request.path.rstrip('/')}?{urlencode(parameters)}"
