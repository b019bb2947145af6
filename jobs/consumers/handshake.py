"""What a WebSocket's handshake says, read by the same rules as a request's."""

from collections.abc import MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

DEFAULT_PORTS = {"http": 80, "https": 443}


def request_of(scope: MutableMapping[str, Any]) -> HttpRequest:
    """For Django's own readers of scheme, host, address, language and cookies. A header that comes twice is joined with
    a comma, as ASGI joins it: no reader takes the first for the whole."""
    request = HttpRequest()
    request.path = scope["path"]
    for name, value in scope["headers"]:
        key = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
        text = value.decode("latin-1")
        request.META[key] = f"{request.META[key]},{text}" if key in request.META else text
    request.META["REMOTE_ADDR"] = (scope.get("client") or [""])[0]
    try:
        request.COOKIES = {
            name: morsel.value for name, morsel in SimpleCookie(request.META.get("HTTP_COOKIE", "")).items()
        }
    except CookieError:
        request.COOKIES = {}
    return request


def origin_is_ours(request: HttpRequest) -> bool:
    """Whether the page that opened the WebSocket is this site's, by scheme, host and port. No Origin at all is no
    browser, and fine. `null`, the origin of a sandboxed page, is not."""
    given = request.META.get("HTTP_ORIGIN")
    if given is None:
        return True
    try:
        own = origin_of(f"{request.scheme}://{request.get_host()}")
    except DisallowedHost:
        return False
    asked = origin_of(given)
    return asked is not None and asked in (own, origin_of(site_of(settings.PUBLIC_URL)))


def site_of(url: str) -> str:
    """Without the path that the platform may be served under."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def origin_of(url: str) -> tuple[str, str, int] | None:
    """(scheme, host, port), None for what is not exactly an origin."""
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or port is None:
        return None
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port
