from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.credentials import Credential


class LoggedInDirectly(BasePermission):
    """Not with a personal access token: one that leaked must not be able to make itself successors."""

    message: Any = _("A personal access token cannot manage access tokens. Log in with your password for this.")

    def has_permission(self, request: Request, view: APIView) -> bool:
        credential = request.auth
        return not (isinstance(credential, Credential) and credential.key.startswith("token:"))
