"""Personal access tokens: issuing and revoking, each audited in the same transaction."""

from datetime import datetime

from django.db import transaction
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, ApiTokenQuerySet, User
from jobs.exceptions import ValidationFailed
from jobs.models import AuditEntry
from jobs_platform import request_id
from jobs_platform.client_address import client_address

MOST_PER_USER = 50


def listed(user: User) -> ApiTokenQuerySet:
    """Those that still work, newest first."""
    return ApiToken.objects.usable(timezone.now()).filter(user=user)


def issue(*, user: User, name: str, expires_at: datetime, request: HttpRequest) -> tuple[ApiToken, str]:
    """The token and its secret. Raises ValidationFailed when the user has too many."""
    with transaction.atomic():
        if listed(user).count() >= MOST_PER_USER:
            sentence = _("You have %(most)s access tokens, which is the most. Revoke one you no longer use.")
            raise ValidationFailed({"name": [sentence % {"most": MOST_PER_USER}]})
        token, secret = ApiToken.issue(user=user, name=name, expires_at=expires_at)
        audit(user, "token.create", token, request)
    return token, secret


def revoke(*, user: User, pk: str, request: HttpRequest) -> None:
    """Raises Http404 for what is not a usable token of the user's."""
    with transaction.atomic():
        token = listed(user).filter(pk=int(pk)).first() if len(pk) <= 18 else None
        if token is None:
            raise Http404
        audit(user, "token.revoke", token, request)
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])


def audit(user: User, action: str, token: ApiToken, request: HttpRequest) -> None:
    AuditEntry.objects.create(
        actor=user,
        actor_name=user.username,
        action=action,
        object_id=token.prefix,
        address=client_address(request),
        request_id=request_id.current.get(),
        detail={"name": token.name},
    )
