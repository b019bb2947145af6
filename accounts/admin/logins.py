"""Log-ins as the throttle counts them. Deleting an attempt lets its account and address try again at once."""

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from accounts.models import BrowserSession, EndedLogin, KnownAddress
from jobs_platform.admin_classes import ReadOnlyAdmin

# Unused logs of the throttle; and the form data of an attempt is left out below: what people type into the wrong
# field is often a password.
admin.site.unregister([AccessAttempt, AccessLog, AccessFailureLog])


class DeletableRecordAdmin(ReadOnlyAdmin):
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_view_permission(request)


@admin.register(AccessAttempt)
class AccessAttemptAdmin(DeletableRecordAdmin):
    list_display = ("username", "ip_address", "failures_since_start", "attempt_time", "path_info", "user_agent")
    search_fields = ("username", "ip_address")
    fields = list_display


@admin.register(BrowserSession)
class BrowserSessionAdmin(ReadOnlyAdmin):
    list_display = ("user", "address", "agent", "created_at", "seen_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "address")
    fields = list_display


@admin.register(KnownAddress)
class KnownAddressAdmin(DeletableRecordAdmin):
    list_display = ("user", "address", "last_login_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "address")
    fields = list_display


@admin.register(EndedLogin)
class EndedLoginAdmin(ReadOnlyAdmin):
    """Never deleted here: that would open the ended log-in again."""

    list_display = ("login_id", "ended_at", "expires_at")
    search_fields = ("login_id",)
    fields = list_display
