"""The address a request came from, for the audit and for throttling."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The peer's, or, behind TRUSTED_PROXY_COUNT proxies, what the outermost of them saw: that many entries from the
    right of X-Forwarded-For. Entries further left are the client's own claim and never believed. Empty on a Unix
    socket without a proxy."""
    peer: str = request.META.get("REMOTE_ADDR") or ""
    trusted: int = settings.TRUSTED_PROXY_COUNT
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    if not trusted or not forwarded:
        return peer[:64]
    return forwarded[-min(trusted, len(forwarded))][:64]
