"""Refuses bodies over MAX_BODY_BYTES with 413, in the envelope of every other error.

The server (jobs_platform.server) keeps no more than the limit while it reads, chunked bodies included, and the
handler marks the request; here it gets its answer, inside the request id's middleware and ahead of all others.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext as _

from jobs_platform.api.envelope import failure_response

TOO_LARGE = "body_is_too_large"  # the attribute that the handler sets on such a request
CODE = "BODY_TOO_LARGE"


class BodyLimitMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if getattr(request, TOO_LARGE, False) or announced(request) > settings.MAX_BODY_BYTES:
            return refusal(request)
        return self.get_response(request)


def announced(request: HttpRequest) -> int:
    """Content-Length; 0 when it is missing or no number (the server's parser has refused such a request already)."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isdecimal() else 0


def refusal(request: HttpRequest) -> HttpResponse:
    with translation.override(translation.get_language_from_request(request)):
        return failure_response(413, CODE, message())


def message() -> str:
    """In the active language."""
    return _("The body is larger than %(limit)d bytes, the most that is taken. Send less.") % {
        "limit": settings.MAX_BODY_BYTES
    }
