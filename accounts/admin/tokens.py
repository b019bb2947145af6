"""Personal access tokens and log-in tokens: seen and revoked, never made here, and never shown."""

from typing import Any, cast

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts import personal_tokens
from accounts.models import ApiToken, User
from jobs_platform.admin_classes import ReadOnlyAdmin


@admin.action(description=_("Revoke the selected access tokens"), permissions=["revoke"])
def revoke(model_admin: Any, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
    count = sum(revoke_one(request, token) for token in queryset)
    text = ngettext("%(count)d access token was revoked.", "%(count)d access tokens were revoked.", count)
    model_admin.message_user(request, text % {"count": count}, messages.SUCCESS if count else messages.WARNING)


def revoke_one(request: HttpRequest, token: ApiToken) -> bool:
    """Guarded, so that a token revoked before keeps its time; audited as a revocation through the API is."""
    with transaction.atomic():
        changed = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
        if changed:
            personal_tokens.audit(cast("User", request.user), "token.revoke", token, request)
    return bool(changed)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ("name", "prefix", "user", "created_at", "expires_at", "revoked_at", "last_used_at")
    list_select_related = ("user",)
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "prefix", "user__username")
    fields = list_display
    actions = (revoke,)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


admin.site.unregister([OutstandingToken, BlacklistedToken])


@admin.register(OutstandingToken)
class OutstandingTokenAdmin(ReadOnlyAdmin):
    """Refresh tokens handed out. The row holds the token itself: it is not among the fields."""

    list_display = ("jti", "user", "created_at", "expires_at")
    list_select_related = ("user",)
    search_fields = ("jti", "user__username")
    fields = list_display


@admin.register(BlacklistedToken)
class BlacklistedTokenAdmin(ReadOnlyAdmin):
    list_display = ("jti", "user", "blacklisted_at")
    list_select_related = ("token__user",)
    search_fields = ("token__jti", "token__user__username")
    fields = list_display
    readonly_fields = ("jti", "user")

    @admin.display(description="jti")
    def jti(self, row: BlacklistedToken) -> str:
        return row.token.jti

    @admin.display(description=_("user"))
    def user(self, row: BlacklistedToken) -> str:
        return str(row.token.user or "")
