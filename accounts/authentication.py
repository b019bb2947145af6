"""How API requests say who they are: a bearer token (a JWT access token or a personal access token), or the pages'
session cookie with its CSRF token."""

from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import authentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from accounts import logins
from accounts.credentials import Credential
from accounts.models import ApiToken, User

# `last used` is written at most this often: reads should stay reads.
LAST_USED_STEP = timedelta(hours=1)


class BearerAuthentication(authentication.BaseAuthentication):
    """One query. A bearer token that is there and wrong is refused, whatever else the request carries."""

    def authenticate(self, request: Request | HttpRequest) -> tuple[User, Credential] | None:
        raw = bearer_token(request.META.get("HTTP_AUTHORIZATION", ""))
        return None if raw is None else authenticate_bearer(raw)

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def bearer_token(header: str) -> str | None:
    """The token of `Bearer <token>`; None for another scheme. Raises TokenRefused when there is a space in it."""
    scheme, _space, raw = header.strip().partition(" ")
    if scheme.lower() != "bearer":
        return None
    raw = raw.strip()
    if not raw or " " in raw or not raw.isascii():
        raise logins.TokenRefused
    return raw


def authenticate_bearer(raw: str) -> tuple[User, Credential]:
    """Raises TokenRefused, TokenExpired."""
    return authenticate_personal(raw) if raw.startswith(ApiToken.SCHEME) else logins.authenticate_access(raw)


def authenticate_personal(raw: str) -> tuple[User, Credential]:
    now = timezone.now()
    token = ApiToken.objects.usable(now).select_related("user").filter(digest=ApiToken.digest_of(raw)).first()
    if token is None:
        raise logins.TokenRefused
    if token.last_used_at is None or now - token.last_used_at > LAST_USED_STEP:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token.user, Credential("bearer", f"token:{token.pk}")


class SessionAuthentication(authentication.SessionAuthentication):
    def authenticate(self, request: Request) -> tuple[User, Credential] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        return found[0], Credential("session", f"session:{request._request.session.session_key}")

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied:
            message = _("The request does not carry this session's CSRF token. Reload the page and try again.")
            raise PermissionDenied(message) from None
