"""Who opens a WebSocket. Sets in the scope:

    user             the User, or AnonymousUser
    auth             "bearer", "session" or None
    credential       a Credential or None: accounts.credentials.user_of(credential.key) asks again later
    auth_error       "" or the code that refused the token: NOT_AUTHENTICATED, TOKEN_EXPIRED
    auth_subprotocol what accept() must name when the token came as a subprotocol: "bearer", else None

The token comes as `Authorization: Bearer <token>`, or, from a browser without a session, as
`Sec-WebSocket-Protocol: bearer, <token>`. A wrong token is not made up for by a cookie. Nothing is refused here: the
consumer accepts and closes with a code that the page can read. A cookie says who the browser is, not which page asks:
consumers that act on it check the Origin.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from rest_framework.exceptions import AuthenticationFailed

from accounts.authentication import authenticate_bearer, bearer_token
from accounts.credentials import Credential, user_of_session
from accounts.models import User

Scope = MutableMapping[str, Any]
Asgi = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]
SUBPROTOCOL = "bearer"


class WebSocketAuthMiddleware:
    def __init__(self, inner: Asgi) -> None:
        self.inner = inner

    async def __call__(
        self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        await self.inner({**scope, **await database_sync_to_async(identify)(scope)}, receive, send)


def identify(scope: Scope) -> dict[str, Any]:
    """What the scope gets. Talks to the database."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", [])}
    offered = [part.strip() for part in headers.get("sec-websocket-protocol", "").split(",")]
    subprotocol = SUBPROTOCOL if len(offered) == 2 and offered[0] == SUBPROTOCOL else None
    found: dict[str, Any] = {
        "user": AnonymousUser(), "auth": None, "credential": None, "auth_error": "", "auth_subprotocol": subprotocol,
    }  # fmt: skip
    try:
        raw = offered[1] if subprotocol else bearer_token(headers.get("authorization", ""))
        identity = authenticate_bearer(raw) if raw is not None else by_cookie(headers.get("cookie", ""))
    except AuthenticationFailed as exc:
        code = exc.default_code
        return {**found, "auth_error": code if code.isupper() else "NOT_AUTHENTICATED"}
    if identity is None:
        return found
    user, credential = identity
    return {**found, "user": user, "auth": credential.kind, "credential": credential}


def by_cookie(header: str) -> tuple[User, Credential] | None:
    try:
        morsel = SimpleCookie(header).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return None
    if morsel is None or not morsel.value:
        return None
    user = user_of_session(morsel.value)
    return (user, Credential("session", f"session:{morsel.value}")) if user else None
