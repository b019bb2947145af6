"""Log-in, log-out and personal access tokens for API clients."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import authenticate, logout
from django.contrib.auth.signals import user_logged_in
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import logins, personal_tokens, serializers
from accounts.authentication import BearerAuthentication
from accounts.credentials import Credential
from accounts.models import ApiToken, Project, User
from accounts.permissions import LoggedInDirectly
from accounts.roles import Role
from jobs_platform.api.envelope import show_time
from jobs_platform.api.operations import Operation, documented
from jobs_platform.api.renderers import answer
from jobs_platform.api.views import ApiView

TAG = "Accounts"
LOGIN, REFRESH, LOGOUT, NEW_TOKEN = (
    serializers.LoginBody(),
    serializers.RefreshBody(),
    serializers.LogoutBody(),
    serializers.NewTokenBody(),
)


class WrongPassword(AuthenticationFailed):
    default_detail = _("The user name or the password is wrong, or the user may not log in. Check both and try again.")


def show_pair(pair: logins.TokenPair) -> dict[str, Any]:
    return {"access": pair.access, "refresh": pair.refresh, "expiresIn": pair.expires_in}


class PublicView(ApiView):
    """Asks for no credentials, but says in a 401 which ones there are."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get_authenticate_header(self, request: Request) -> str:
        return BearerAuthentication().authenticate_header(request)


class TokenView(PublicView):
    """Throttled by django-axes (accounts.throttling), whose middleware turns the answer into 429."""

    @documented(
        Operation(
            id="createToken",
            tag=TAG,
            summary="Log in: an access token and a refresh token for a user name and password",
            body=serializers.LoginBody,
            data=serializers.TokenPairShape,
            errors=("VALIDATION_ERROR", "THROTTLED"),
            public=True,
        )
    )
    def post(self, request: Request) -> Response:
        body = LOGIN.read(request.data)
        username = User.normalize_username(body["username"])
        user = authenticate(request._request, username=username, password=body["password"])
        if not isinstance(user, User):
            raise WrongPassword
        user_logged_in.send(sender=User, request=request._request, user=user)
        return answer(show_pair(logins.begin(user)))


class RefreshView(PublicView):
    @documented(
        Operation(
            id="refreshToken",
            tag=TAG,
            summary="A new pair for a refresh token, which is used up",
            body=serializers.RefreshBody,
            data=serializers.TokenPairShape,
            errors=("VALIDATION_ERROR",),
            public=True,
        )
    )
    def post(self, request: Request) -> Response:
        return answer(show_pair(logins.renew(REFRESH.read(request.data)["refresh"])))


class LogoutView(ApiView):
    """Ends the log-in of the given refresh token, which works although the access token has expired, else the one
    that the request was made with."""

    permission_classes = (AllowAny,)

    def perform_authentication(self, request: Request) -> None:
        """Only where there is no refresh token."""

    @documented(
        Operation(
            id="logout",
            tag=TAG,
            summary="Log out: every token of the log-in is refused from now on",
            body=serializers.LogoutBody,
            message=True,
            errors=("VALIDATION_ERROR",),
        )
    )
    def post(self, request: Request) -> Response:
        refresh = LOGOUT.read(request.data).get("refresh")
        if refresh:
            logins.end_by_refresh(refresh)
        else:
            self.end(request)
        return answer(message=_("Logged out"))

    def end(self, request: Request) -> None:
        credential = request.auth
        if not isinstance(credential, Credential):
            raise NotAuthenticated
        if credential.key.startswith("login:"):
            logins.end_by_key(credential.key)
        elif credential.kind == "session":
            logout(request._request)
        else:
            raise AuthenticationFailed(
                _("A personal access token has no log-in to end. Revoke it at /api/auth/tokens.")
            )


class MeView(ApiView):
    @documented(
        Operation(id="getMe", tag=TAG, summary="Who I am, and my role in each project", data=serializers.MeShape)
    )
    def get(self, request: Request) -> Response:
        user = self.actor
        return answer(
            {
                "username": user.username,
                "email": user.email,
                "isAdmin": user.is_superuser,
                "projects": projects_of(user),
            }
        )


def projects_of(user: User) -> list[dict[str, str]]:
    if user.is_superuser:
        everything = Project.objects.order_by("slug").values_list("slug", "name")
        return [{"projectId": slug, "name": name, "role": Role.ADMIN.value} for slug, name in everything]
    mine = user.memberships.order_by("project__slug").values_list("project__slug", "project__name", "role")
    return [{"projectId": slug, "name": name, "role": role} for slug, name, role in mine]


class TokensView(ApiView):
    permission_classes = (IsAuthenticated, LoggedInDirectly)

    @documented(
        Operation(
            id="listTokens", tag=TAG, summary="My personal access tokens", data=serializers.TokensShape,
            errors=("PERMISSION_DENIED",),
        )
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        return answer({"tokens": [show_token(token) for token in personal_tokens.listed(self.actor)]})

    @documented(
        Operation(
            id="createPersonalToken",
            tag=TAG,
            summary="A personal access token for scripts; its secret is shown this once",
            body=serializers.NewTokenBody,
            data=serializers.NewTokenShape,
            status=201,
            errors=("VALIDATION_ERROR", "PERMISSION_DENIED"),
        )
    )
    def post(self, request: Request) -> Response:
        body = NEW_TOKEN.read(request.data)
        expires_at = timezone.now() + timedelta(days=body["expiresInDays"])
        token, secret = personal_tokens.issue(
            user=self.actor, name=body["name"], expires_at=expires_at, request=request._request
        )
        return answer({**show_token(token), "token": secret}, status=201)


class OneTokenView(ApiView):
    permission_classes = (IsAuthenticated, LoggedInDirectly)

    @documented(
        Operation(
            id="revokeToken", tag=TAG, summary="Revoke one of my personal access tokens", message=True,
            errors=("PERMISSION_DENIED", "NOT_FOUND"),
        )
    )  # fmt: skip
    def delete(self, request: Request, token_id: str) -> Response:
        personal_tokens.revoke(user=self.actor, pk=token_id, request=request._request)
        return answer(message=_("Access token revoked"))


def show_token(token: ApiToken) -> dict[str, Any]:
    return {
        "tokenId": token.pk,
        "name": token.name,
        "prefix": token.prefix,
        "createdAt": show_time(token.created_at),
        "expiresAt": show_time(token.expires_at),
        "lastUsedAt": show_time(token.last_used_at),
    }
