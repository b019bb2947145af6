"""The query parameters of a job's log, for HTTP and for the WebSocket: those of a pod's log, with a cursor of its own
kind, and which attempt and replicas are meant."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from jobs.api import log_query
from jobs.api.query_values import Refused, read_values
from jobs.exceptions import ValidationFailed
from jobs.logs.merged.cursor import LONGEST, REPLICAS_MAX, BadCursor, JobCursor, decode
from jobs.logs.merged.lines import Style
from jobs.logs.merged.spans import JobQuery
from jobs.logs.selection import Query
from jobs_platform.api.operations import Parameter

ALL = "all"
RANGE = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?", re.ASCII)
ATTEMPT = re.compile(r"[1-9]\d{0,5}", re.ASCII)
TAKEN = ("tailLines", "follow", "timestamps", "sinceTime", "untilTime", "limitBytes", "keyword")  # as for a pod


@dataclass(frozen=True, slots=True)
class JobLogRequest:
    """`attempt` None: the current one, or the cursor's. `replicas` None: all."""

    query: JobQuery
    follow: bool
    attempt: int | None
    every_attempt: bool
    replicas: frozenset[int] | None

    @property
    def style(self) -> Style:
        return Style(timestamps=self.query.lines.timestamps, attempts=self.every_attempt)


def replicas(text: str) -> frozenset[int]:
    """`0,2` and ranges such as `4-7`."""
    found: set[int] = set()
    for part in text.split(","):
        match = RANGE.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < REPLICAS_MAX:
            raise Refused(_("This must be replicas' numbers from 0 on, such as 0,2 or 4-7."))
        found.update(range(first, last + 1))
    return frozenset(found)


def attempt(text: str) -> int | None:
    """None for all of them."""
    if text == ALL:
        return None
    if not ATTEMPT.fullmatch(text):
        raise Refused(_("This must be an attempt's number from 1 on, or all."))
    return int(text)


def cursor(text: str) -> JobCursor:
    try:
        return decode(text)
    except BadCursor:
        raise Refused(_("This is no cursor of a job's log. Use the one of an earlier answer as it is.")) from None


READERS: dict[str, Callable[[str], Any]] = {
    **{name: log_query.READERS[name] for name in TAKEN},
    "cursor": cursor,
    "attempt": attempt,
    "replica": replicas,
}


def read(parameters: QueryDict, last_event_id: str = "", *, following: bool = False) -> JobLogRequest:
    """`last_event_id` and `following` as for a pod's log. Raises ValidationFailed."""
    given = {name: parameters.getlist(name) for name in parameters}
    if last_event_id:
        given["cursor"] = [last_event_id]
    values = read_values(given, READERS, shown_as={"cursor": "Last-Event-ID"} if last_event_id else {})
    if (following or values.get("follow")) and "untilTime" in values:
        raise ValidationFailed({"untilTime": [_("A stream does not take this. Leave it out, or leave out follow.")]})
    return built(values)


def built(values: Mapping[str, Any]) -> JobLogRequest:
    """Raises ValidationFailed for a cursor of another attempt."""
    place: JobCursor | None = values.get("cursor")
    every = "attempt" in values and values["attempt"] is None
    number = values.get("attempt")
    if place is not None and number not in (None, place.attempt):
        raise ValidationFailed({"cursor": [_("This cursor is of another attempt. Leave out attempt, or the cursor.")]})
    lines = Query(
        tail_lines=values.get("tailLines"),
        since_ns=values.get("sinceTime"),
        until_ns=values.get("untilTime"),
        limit_bytes=values.get("limitBytes"),
        keyword=values.get("keyword", b""),
        timestamps=values.get("timestamps", False),
    )
    return JobLogRequest(
        JobQuery(lines, place),
        follow=values.get("follow", False),
        attempt=place.attempt if place is not None and not every else number,
        every_attempt=every,
        replicas=values.get("replica"),
    )


PARAMETERS = (
    Parameter("replica", "Only these replicas, such as 0,2 or 4-7", {"type": "string"}),
    Parameter("attempt", "The attempt's number, or all; without it the current one", {"type": "string"}),
    *(one for one in log_query.PARAMETERS if one.name in TAKEN),
    Parameter("cursor", "Where an earlier answer ended: go on from there", {"type": "string", "maxLength": LONGEST}),
)
