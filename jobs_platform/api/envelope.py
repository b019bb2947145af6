"""The one builder of answers: `{"success", "data"?, "message"?}`, and for errors
`{"success": false, "code", "message", "details"?, "requestId"}`. `data` and `message` are absent, not null, where
there is none."""

import json
from datetime import UTC, datetime
from typing import Any

import orjson
from django.http import HttpResponse
from django.utils.functional import Promise

from jobs_platform import request_id

JSON = "application/json"


def success(data: Any = None, message: str | Promise | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"success": True}
    if data is not None:
        body["data"] = data
    if message is not None:
        body["message"] = str(message)
    return body


def failure(code: str, message: str | Promise, details: Any = None) -> dict[str, Any]:
    body: dict[str, Any] = {"success": False, "code": code, "message": str(message)}
    if details is not None:
        body["details"] = details
    body["requestId"] = request_id.current.get()
    return body


def show_time(moment: datetime | None) -> str | None:
    """UTC in whole seconds, `2025-01-15T10:30:00Z`: the one form of a time in the API."""
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def dump(body: Any) -> bytes:
    """TypeError for a datetime: times go through show_time. Text that is not Unicode (a lone surrogate in something a
    cluster said) is answered with question marks rather than not at all."""
    try:
        return orjson.dumps(body, option=orjson.OPT_PASSTHROUGH_DATETIME)
    except orjson.JSONEncodeError:
        return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def failure_response(
    status: int, code: str, message: str | Promise, details: Any = None, headers: dict[str, str] | None = None
) -> HttpResponse:
    """For what answers outside the API's views: middleware, unknown paths, errors before a view was found."""
    return HttpResponse(dump(failure(code, message, details)), status=status, content_type=JSON, headers=headers)
