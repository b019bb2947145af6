"""WebSockets: who may connect from where, who it is, and what answers. A path nobody serves is closed with 4404."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from channels.routing import URLRouter
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.urls import re_path

Scope = MutableMapping[str, Any]
Application = Callable[..., Awaitable[None]]

UNKNOWN_PATH = 4404
UNKNOWN_HOST = 4400


async def refuse(receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]], code: int) -> None:
    """Accept, then close: a close before the accept reaches a browser as a failed connection without its code."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": code})


async def unknown_path(scope: Scope, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
    await refuse(receive, send, UNKNOWN_PATH)


class AllowedHosts:
    """Holds WebSockets to ALLOWED_HOSTS, as HttpRequest.get_host() holds requests: a name that another site points
    at this address (DNS rebinding) gets nowhere."""

    def __init__(self, inner: Application) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        host = dict(scope["headers"]).get(b"host", b"").decode("latin1")
        if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
            await refuse(receive, send, UNKNOWN_HOST)
            return
        await self.inner(scope, receive, send)


def websocket_application() -> Application:
    from accounts.ws_auth import WebSocketAuthMiddleware
    from jobs.routing import websocket_urlpatterns

    fallback: Any = unknown_path  # an ASGI application, where Django's type wants a view
    router = URLRouter([*websocket_urlpatterns, re_path(r"", fallback)])
    return AllowedHosts(WebSocketAuthMiddleware(router))
