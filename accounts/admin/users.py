"""Users and groups. Only a superuser makes superusers or touches one: a staff member who may edit users could
otherwise become anything by resetting a password or ticking a box."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Field, Model
from django.forms import ChoiceField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget

from accounts import time_zones
from accounts.admin.projects import MembershipInline
from accounts.models import User
from jobs_platform.admin_classes import ModelAdmin

if TYPE_CHECKING:
    from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
    from django.contrib.auth.admin import UserAdmin

    BaseUserAdmin = UserAdmin[Any]
else:
    from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
    from django.contrib.auth.admin import UserAdmin as BaseUserAdmin

POWER = ("is_staff", "is_superuser", "groups", "user_permissions")


def commands(request: HttpRequest, other: Model | None) -> bool:
    """Whether the acting user is above the other one."""
    return request.user.is_superuser or not (isinstance(other, User) and other.is_superuser)


@admin.register(User)
class PlatformUserAdmin(BaseUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = (
        "username",
        "first_name",
        "last_name",
        "email",
        "is_active",
        "is_staff",
        "is_superuser",
        "last_login",
    )
    list_filter = ("is_active", "is_staff", "is_superuser")
    readonly_fields = ("last_login", "date_joined")
    show_full_result_count = False
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Personal info"), {"fields": ("first_name", "last_name", "email", "language", "theme", "timezone")}),
        (_("Permissions"), {"fields": ("is_active", *POWER)}),
        (_("Important dates"), {"fields": ("last_login", "date_joined")}),
    )

    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name not in ("language", "timezone"):
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        offered = settings.LANGUAGES if db_field.name == "language" else [(name, name) for name in time_zones.names()]
        choices = [("", _("as the browser asks")), *offered]
        label = db_field.verbose_name
        return ChoiceField(label=label, required=False, choices=choices, widget=UnfoldAdminSelectWidget)

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> Any:
        return super().get_inlines(request, obj) if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return self.readonly_fields if request.user.is_superuser else (*self.readonly_fields, *POWER)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return commands(request, obj) and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return commands(request, obj) and bool(super().has_delete_permission(request, obj))


admin.site.unregister(Group)


@admin.register(Group)
class PlatformGroupAdmin(BaseGroupAdmin, ModelAdmin):
    """A group's permissions are its members' powers, so they too are a superuser's to give."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_active and request.user.is_superuser
