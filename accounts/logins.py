"""Log-ins of API clients: a short access token and a refresh token that works once.

Both carry the log-in's id. Ending a log-in refuses every token of it at once, on the next request; so does a new
password (the tokens carry a hash of the old one). A refresh token that is used twice was copied: its log-in is ended,
for the thief and for the owner alike (RFC 9700, 4.14.2). A refresh token is written down only once it is used up.
"""

import secrets
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, BlacklistMixin, RefreshToken, Token

from accounts.credentials import Credential, login_key, user_of_login
from accounts.models import EndedLogin, User

LOGIN_ID = "sid"


class TokenRefused(AuthenticationFailed):
    default_detail = _(
        "This token is not valid: it is malformed, revoked, or of a user who may not log in. Log in again."
    )


class TokenExpired(AuthenticationFailed):
    default_code = "TOKEN_EXPIRED"
    default_detail = _("This access token has expired. Get a new one from POST /api/auth/token/refresh.")


class LoginRefresh(RefreshToken):
    @classmethod
    def for_user(cls, user: Any) -> "LoginRefresh":
        """Skips the parent's row of the live token: the database keeps no secret that still opens something."""
        token: LoginRefresh = super(BlacklistMixin, cls).for_user(user)
        token[LOGIN_ID] = secrets.token_hex(8)
        return token

    def check_blacklist(self) -> None:
        """renew() uses the token up and looks at the outcome, which two requests at once cannot both pass."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str
    expires_in: int  # seconds of the access token


def begin(user: User) -> TokenPair:
    return pair(LoginRefresh.for_user(user))


def pair(refresh: RefreshToken) -> TokenPair:
    return TokenPair(str(refresh.access_token), str(refresh), int(api_settings.ACCESS_TOKEN_LIFETIME.total_seconds()))


def read(kind: type[Token], raw: str) -> Any:
    """Raises TokenExpired, TokenRefused."""
    try:
        return kind(raw)  # type: ignore[arg-type]  # the stubs want a Token where the text of one goes
    except ExpiredTokenError:
        raise TokenExpired from None
    except TokenError:
        raise TokenRefused from None


def identify(token: Token) -> tuple[User, str]:
    """The user and the credential key. One query. Raises TokenRefused."""
    user_pk = str(token.get(api_settings.USER_ID_CLAIM))
    login_id = str(token.get(LOGIN_ID, ""))
    fingerprint = str(token.get(api_settings.REVOKE_TOKEN_CLAIM, ""))
    user = user_of_login(user_pk, login_id, fingerprint)
    if user is None:
        raise TokenRefused
    return user, login_key(user_pk, login_id, fingerprint)


@lru_cache(maxsize=512)
def verified(raw: str) -> AccessToken:
    """The signature of a text does not change, so it is checked once. Whether the token still holds is asked with
    every call: its time by the caller, its user and log-in by identify()."""
    token: AccessToken = read(AccessToken, raw)
    return token


def authenticate_access(raw: str) -> tuple[User, Credential]:
    """Raises TokenExpired, TokenRefused."""
    token = verified(raw)
    if token["exp"] <= time.time():
        raise TokenExpired
    user, key = identify(token)
    return user, Credential("bearer", key)


def renew(raw: str) -> TokenPair:
    """A new pair for a refresh token, which is used up by this. Raises TokenRefused, TokenExpired."""
    token = read(LoginRefresh, raw)
    user, _key = identify(token)
    _row, first_use = token.blacklist()
    if not first_use:
        end(str(token[LOGIN_ID]))
        raise TokenRefused(_("This refresh token was used before, so its log-in has been ended. Log in again."))
    successor = LoginRefresh.for_user(user)
    successor[LOGIN_ID] = token[LOGIN_ID]
    return pair(successor)


def end(login_id: str) -> None:
    """Refuse every token of the log-in from now on; the mark is kept until the last of them would have expired."""
    expires_at = timezone.now() + api_settings.REFRESH_TOKEN_LIFETIME
    EndedLogin.objects.get_or_create(login_id=login_id, defaults={"expires_at": expires_at})


def end_by_refresh(raw: str) -> None:
    """Raises TokenRefused, TokenExpired."""
    token = read(LoginRefresh, raw)
    identify(token)
    end(str(token[LOGIN_ID]))


def end_by_key(key: str) -> None:
    """`key` is a Credential's, of the kind `login:`."""
    end(key.split(":")[2])
