"""Security headers, and a Content-Security-Policy with a nonce for each page.

Scripts run from our own files or with the page's nonce, nothing inline, nothing from elsewhere. Two places need more
and have it on their own paths alone: the admin's theme (Alpine.js evaluates attributes and sets inline styles) and the
API's documentation page (Swagger UI sets inline styles and has data: images). A view whose page needs inline style
elements (a terminal) wraps itself in `with_inline_styles`, one that compiles WebAssembly (the player of recordings) in
`with_webassembly`: neither lets text become script.
"""

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase

NONCE = "csp_nonce"
INLINE_STYLES = "csp_inline_styles"
WEBASSEMBLY = "csp_webassembly"
FRAMED = "csp_framed"
COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
DATA_ONLY = {**COMMON, "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
ADMIN = "/admin/"
API = "/api/"
API_DOCS = "/api/docs"
View = Callable[..., HttpResponseBase]


class SecurityHeadersMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(API) and not request.path_info.startswith(API_DOCS):
            response = self.get_response(request)
            return with_headers(response, DATA_ONLY)
        setattr(request, NONCE, secrets.token_urlsafe(16))
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy(request, response))
        framed = {"X-Frame-Options": "SAMEORIGIN"} if getattr(response, FRAMED, False) else {}
        return with_headers(response, {**COMMON, **framed})


def with_headers(response: HttpResponseBase, headers: dict[str, str]) -> HttpResponseBase:
    for name, value in headers.items():
        response.headers[name] = value
    return response


def csp_nonce(request: HttpRequest) -> dict[str, str]:
    """The context processor: `<script nonce="{{ csp_nonce }}">`."""
    return {"csp_nonce": getattr(request, NONCE, "")}


def with_inline_styles(view: View) -> View:
    """Mark a view's pages as needing style elements made by script, which xterm.js does."""
    return marked(view, INLINE_STYLES)


def with_webassembly(view: View) -> View:
    """Mark a view's pages as compiling WebAssembly, which asciinema-player does."""
    return marked(view, WEBASSEMBLY)


def framed_by_our_own(response: HttpResponse) -> HttpResponse:
    """Mark a page that other pages of this site show in a frame. Everybody else still may not."""
    setattr(response, FRAMED, True)
    return response


def marked(view: View, mark: str) -> View:
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(*args, **kwargs)
        setattr(response, mark, True)
        return response

    return wrapper


def policy(request: HttpRequest, response: HttpResponseBase) -> str:
    path = request.path_info
    scripts = f"'self' 'nonce-{getattr(request, NONCE)}'"
    styles = "'self'"
    if path.startswith(ADMIN):
        scripts += " 'unsafe-eval'"
    if getattr(response, WEBASSEMBLY, False):
        scripts += " 'wasm-unsafe-eval'"
    if path.startswith((ADMIN, API_DOCS)) or getattr(response, INLINE_STYLES, False):
        styles += " 'unsafe-inline'"
    frames = "'self'" if getattr(response, FRAMED, False) else "'none'"
    # 'self' does not cover WebSockets in every browser, so they are named by host.
    host = request.META.get("HTTP_HOST", "")
    sockets = f" ws://{host} wss://{host}" if is_plain(host) else ""
    return (
        f"default-src 'self'; script-src {scripts}; style-src {styles}; img-src 'self' data:; font-src 'self' data:; "
        f"connect-src 'self'{sockets}; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors {frames}"
    )


def is_plain(host: str) -> bool:
    """Whether the Host header, which anyone may send, can stand in a header of ours."""
    return bool(host) and all(character.isalnum() or character in ".-:[]" for character in host)
