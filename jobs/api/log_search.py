"""GET /api/jobs/{jobId}/pods/{podName}/logs/search: the lines of a pod's log that hold a keyword."""

from contextlib import closing
from dataclasses import asdict
from functools import partial
from typing import Any

from django.conf import settings
from django.http import StreamingHttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api import search_query
from jobs.api.log_target import Target, find_target
from jobs.api.logs import size_of
from jobs.api.search_query import Wanted, as_text
from jobs.api.slow_reads import in_slow_thread
from jobs.logs.filesystem import configured_store
from jobs.logs.matches import Matches
from jobs.logs.search import Found, Place, Search, first_place, run
from jobs.logs.selection import is_line_start, line_since, next_line, tail_start
from jobs.logs.store import LogNotFound, PodLog
from jobs_platform.api.later import LaterResponse
from jobs_platform.api.operations import Operation, documented
from jobs_platform.api.views import ApiView

AROUND_MAX = 64 << 10  # bytes on each side of a match that are looked at for its context
SECONDS = 1.0  # of one call


class MatchShape(serializers.Serializer[Any]):
    line = serializers.IntegerField(help_text="The line's number in the log, counted from 1.")
    cursor = serializers.IntegerField(help_text="Where in the log the line begins.")
    time = serializers.CharField(help_text="When it was written: RFC 3339, UTC, nine digits of the second.")
    text = serializers.CharField(help_text="At most 4096 bytes of the line, those around the keyword.")
    before = serializers.ListField(child=serializers.CharField())
    after = serializers.ListField(child=serializers.CharField())


class SearchData(serializers.Serializer[Any]):
    matches = MatchShape(many=True)
    total = serializers.IntegerField(help_text="How many lines with the keyword were counted so far, by all calls.")
    totalIsExact = serializers.BooleanField(help_text="The whole log was gone through: there are no more.")
    finished = serializers.BooleanField(help_text="All matches were listed, and counted.")
    cursor = serializers.CharField(help_text="Where to go on from.")
    totalBytes = serializers.IntegerField(help_text="The size of the pod's whole log now.")


class SearchView(ApiView):
    @documented(
        Operation(
            id="searchPodLogs",
            tag="Training jobs",
            summary="The lines of a pod's log that hold a keyword; a call goes on for about a second",
            data=SearchData,
            errors=("VALIDATION_ERROR", "JOB_NOT_FOUND", "POD_NOT_FOUND", "POOL_UNAVAILABLE", "LOGS_UNAVAILABLE"),
            parameters=search_query.PARAMETERS,
        )
    )
    def get(self, request: Request, job_id: str, pod_name: str) -> Response | StreamingHttpResponse:
        wanted = search_query.read(request._request.GET)
        target = find_target(actor=self.actor, job_id=job_id, pod_name=pod_name, follow=False)
        size_of(target)  # where the log ought to be and is not, that is said at once
        return LaterResponse(partial(in_slow_thread, search, target, wanted))


def search(target: Target, wanted: Wanted) -> dict[str, Any]:
    try:
        log = configured_store().open(target.key)
    except LogNotFound:
        nothing = Found([], Place(0, 0, 0), listed_all=True, counted_all=True)
        return show(wanted.search, nothing, [], 0)
    with closing(log):
        found = run(log, wanted.search, place_of(log, wanted), SECONDS)
        around = min(AROUND_MAX, settings.LOG_RESPONSE_MAX_BYTES // (2 * max(1, wanted.search.limit)))
        matches = Matches(log, wanted.context, around)
        return show(wanted.search, found, [asdict(matches.show(line)) for line in found.lines], log.size())


def place_of(log: PodLog, wanted: Wanted) -> Place:
    if wanted.cursor and wanted.cursor.place:
        return wanted.cursor.place
    newest, end = wanted.search.newest_first, log.size()
    start = 0 if wanted.since_ns is None else line_since(log, wanted.since_ns)
    stop = None if wanted.until_ns is None else max(start, line_since(log, wanted.until_ns))
    if wanted.cursor:
        offset = line_start(log, min(wanted.cursor.offset, end), newest)
        start, stop = (start, offset if stop is None else min(offset, stop)) if newest else (max(start, offset), stop)
    return first_place(newest, start, stop, end)


def line_start(log: PodLog, offset: int, newest_first: bool) -> int:
    """The offset itself where a line begins there, else where the line does that the search comes by next."""
    if is_line_start(log, offset):
        return offset
    return tail_start(log, 0, offset, 1) if newest_first else next_line(log, offset)


def show(search: Search, found: Found, matches: list[dict[str, Any]], size: int) -> dict[str, Any]:
    return {
        "matches": matches,
        "total": found.place.found,
        "totalIsExact": found.counted_all,
        "finished": found.counted_all and (found.listed_all or not search.limit),
        "cursor": as_text(search.newest_first, found.place),
        "totalBytes": size,
    }
