"""What a caller proved who they are with, in a form that can be checked again later: a stream or a terminal outlives
the request that opened it, and its owner may be disabled, logged out, or given a new password meanwhile.

A key is plain text of at most 64 characters and no secret that opens anything by itself:

    login:<user pk>:<log-in id>:<password fingerprint>    a JWT access token; its log-in goes on when the token expires
    token:<pk>                                            a personal access token
    session:<session key>                                 a session of the pages
"""

from dataclasses import dataclass
from typing import Literal

from django.contrib.auth import get_user
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import ApiToken, User

FINGERPRINT = 16
ACTIVE_USER = """
SELECT * FROM accounts_user WHERE id = %s AND is_active
AND NOT EXISTS (SELECT 1 FROM accounts_endedlogin WHERE login_id = %s)
"""


@dataclass(frozen=True, slots=True)
class Credential:
    """What Request.auth is in the API, and scope["credential"] in a WebSocket."""

    kind: Literal["bearer", "session"]
    key: str


def user_of(key: str) -> User | None:
    """The user the key still speaks for: active, not logged out, with the same password, the token not revoked and
    not expired. Else None. One query, two for a session."""
    kind, _, rest = key.partition(":")
    if kind == "login":
        pk, _, tail = rest.partition(":")
        login_id, _, fingerprint = tail.partition(":")
        return user_of_login(pk, login_id, fingerprint)
    if kind == "token":
        return user_of_token(rest)
    return user_of_session(rest) if kind == "session" else None


def login_key(user_pk: str, login_id: str, password_hash: str) -> str:
    return f"login:{user_pk}:{login_id}:{password_hash[:FINGERPRINT]}"


def user_of_login(user_pk: str, login_id: str, fingerprint: str) -> User | None:
    """Plain SQL, since this runs with every call and the ORM takes longer to write it than the database to answer."""
    from rest_framework_simplejwt.utils import get_md5_hash_password

    if not (user_pk.isascii() and user_pk.isdigit() and len(user_pk) < 19 and fingerprint):
        return None
    user = next(iter(User.objects.raw(ACTIVE_USER, [int(user_pk), login_id])), None)
    if user is None or get_md5_hash_password(user.password)[:FINGERPRINT] != fingerprint[:FINGERPRINT]:
        return None
    return user


def user_of_token(pk: str) -> User | None:
    if not (pk.isascii() and pk.isdigit()):
        return None
    token = ApiToken.objects.usable(timezone.now()).select_related("user").filter(pk=int(pk)).first()
    return token.user if token else None


def user_of_session(key: str) -> User | None:
    from django.contrib.sessions.backends.db import SessionStore

    return user_in(SessionStore(key))


def user_in(session: SessionBase) -> User | None:
    """Django's own check, which compares the session's hash with the user's password."""
    request = HttpRequest()
    request.session = session
    user = get_user(request)
    return user if isinstance(user, User) and user.is_active else None
