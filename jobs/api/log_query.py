"""The query parameters of a pod's log, for HTTP and for the WebSocket: each one strict, each mistake named."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from jobs.api.query_values import WHOLE, Refused, at_least_one, flag, read_values, whole
from jobs.exceptions import ValidationFailed
from jobs.logs.format import CONTAINER
from jobs.logs.selection import Query
from jobs_platform.api.operations import Parameter

KEYWORD_MAX = 1024
LAG_LEAST = 1 << 16
MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+ -]\d\d:\d\d)", re.ASCII | re.IGNORECASE)
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class LogRequest:
    query: Query
    follow: bool
    container: str


def moment(text: str) -> int:
    """Nanoseconds since 1970. A `+` that came as a space, as it does in an unquoted URL, is taken for one."""
    match = MOMENT.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)
        seconds, fraction, zone = match.groups()
        since = datetime.fromisoformat(seconds.upper() + zone.upper().replace(" ", "+").replace("Z", "+00:00")) - EPOCH
    except (ValueError, OverflowError):
        raise Refused(_("This must be a time such as 2025-01-15T10:30:00Z.")) from None
    return (since.days * 86400 + since.seconds) * 1_000_000_000 + int((fraction or "0").ljust(9, "0"))


def keyword(text: str) -> bytes:
    encoded = text.encode(errors="replace")
    if not encoded or len(encoded) > KEYWORD_MAX or "\n" in text or "\0" in text:
        raise Refused(_("This must be 1 to 1024 bytes of text in one line."))
    return encoded


def container(text: str) -> str:
    if text != CONTAINER:
        raise Refused(_("A pod of a training job has one container, called main. Leave this out."))
    return text


def lag(text: str) -> int:
    size = at_least_one(text)
    if size < LAG_LEAST:
        raise Refused(_("This must be a whole number, at least 65536."))
    return size


READERS: dict[str, Callable[[str], Any]] = {
    "tailLines": whole,
    "follow": flag,
    "timestamps": flag,
    "sinceTime": moment,
    "untilTime": moment,
    "limitBytes": at_least_one,
    "keyword": keyword,
    "container": container,
    "cursor": whole,
    "maxLagBytes": lag,
    "line": at_least_one,
    "lines": whole,
    "lineNumbers": flag,
}


ONCE = ("untilTime", "line", "lines", "lineNumbers")  # for one answer, not for a stream
ELSEWHERE = ("tailLines", "sinceTime", "untilTime", "cursor", "limitBytes", "keyword")  # not with a line


def read(parameters: QueryDict, last_event_id: str = "", *, following: bool = False) -> LogRequest:
    """`last_event_id` is what a client of server-sent events says when it comes back: a cursor that goes before all
    that said where to begin. `following`: this is a stream, whatever `follow` says. Raises ValidationFailed."""
    given = {name: parameters.getlist(name) for name in parameters}
    if last_event_id:
        given["cursor"] = [last_event_id]
    values = read_values(given, READERS, shown_as={"cursor": "Last-Event-ID"} if last_event_id else {})
    if (following or values.get("follow")) and (refused := [name for name in ONCE if name in values]):
        raise ValidationFailed(
            {name: [_("A stream does not take this. Leave it out, or leave out follow.")] for name in refused}
        )
    if elsewhere := [name for name in ELSEWHERE if name in values and "line" in values]:
        raise ValidationFailed(
            {name: [_("This is not for one line. Leave it out, or leave out line.")] for name in elsewhere}
        )
    if "lines" in values and "line" not in values:
        raise ValidationFailed({"lines": [_("This is about the lines around one: say which with line.")]})
    return built(values)


def built(values: Mapping[str, Any]) -> LogRequest:
    query = Query(
        tail_lines=values.get("tailLines"),
        since_ns=values.get("sinceTime"),
        until_ns=values.get("untilTime"),
        cursor=values.get("cursor"),
        limit_bytes=values.get("limitBytes"),
        keyword=values.get("keyword", b""),
        timestamps=values.get("timestamps", False),
        line=values.get("line"),
        around=values.get("lines", 0),
        numbered=values.get("lineNumbers", False),
        most_behind=values.get("maxLagBytes"),
    )
    return LogRequest(query, values.get("follow", False), values.get("container", CONTAINER))


PARAMETERS = (
    Parameter("tailLines", "The last so many lines", WHOLE),
    Parameter("follow", "Stay, and get what is written until the pod ends", {"type": "boolean", "default": False}),
    Parameter("timestamps", "Each line's time in front of it, RFC 3339 in UTC", {"type": "boolean", "default": False}),
    Parameter("sinceTime", "Only lines written at or after this time", {"type": "string", "format": "date-time"}),
    Parameter("untilTime", "Only lines written before this time", {"type": "string", "format": "date-time"}),
    Parameter("limitBytes", "At most so many bytes from where the answer begins", {"type": "integer", "minimum": 1}),
    Parameter(
        "keyword", "Only lines that contain this, exactly as it is", {"type": "string", "maxLength": KEYWORD_MAX}
    ),
    Parameter("line", "The line with this number, the first is 1", {"type": "integer", "minimum": 1}),
    Parameter("lines", "With line: so many lines before and after it as well", WHOLE),
    Parameter("lineNumbers", "Say which line the answer begins with", {"type": "boolean", "default": False}),
    Parameter("container", "There is one", {"type": "string", "enum": [CONTAINER]}),
    Parameter("cursor", "Where an earlier answer ended: go on from there", WHOLE),
    Parameter(
        "maxLagBytes",
        "With follow=true: skip, and say so, what is further than this from the log's end",
        {"type": "integer", "minimum": LAG_LEAST},
    ),
)
