"""An id for every request: taken from X-Request-ID when it is a plain token, else made; answered in the same header,
put into every error's `requestId` and every log line."""

import logging
import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponseBase

PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")
current: ContextVar[str] = ContextVar("request_id", default="")


def accept(given: str) -> str:
    return given if PLAIN.fullmatch(given) else secrets.token_hex(8)


class RequestIdMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = current.set(accept(request.headers.get("X-Request-ID", "")))
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = current.get()
            return response
        finally:
            current.reset(token)


class RequestIdFilter(logging.Filter):
    """Adds `request_suffix` (" request=ID", or nothing outside a request) to each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        request_id = current.get()
        record.request_suffix = f" request={request_id}" if request_id else ""
        return True
