"""The bases of every admin class: unfold's, typed, and a read-only one whose pages stay quick on millions of rows."""

from typing import TYPE_CHECKING, Any

from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import cached_property

if TYPE_CHECKING:
    from django.contrib import admin
    from django.core import paginator

    Paginator = paginator.Paginator[Any]
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    from django.core.paginator import Paginator
    from unfold.admin import ModelAdmin, TabularInline

__all__ = ["BoundedPaginator", "ModelAdmin", "ReadOnlyAdmin", "TabularInline"]


class BoundedPaginator(Paginator):
    """Counts up to LIMIT rows and no further, so a page costs the same however long the table is. Rows beyond are
    reached by filters and search; the page says "10000+" then."""

    LIMIT = 10_000
    template_name = "admin/pagination_bounded.html"

    @cached_property
    def count(self) -> int:
        return int(self.object_list.order_by()[: self.LIMIT].count())  # type: ignore[attr-defined]  # a QuerySet

    @property
    def is_cut(self) -> bool:
        return self.count == self.LIMIT


class ReadOnlyAdmin(ModelAdmin):
    """Records of what happened: superusers look, nobody writes. They reach across projects, so a staff member's
    model permissions do not open them. Newest first; sorting by a column would read the whole table."""

    ordering = ("-id",)
    paginator = BoundedPaginator
    show_full_result_count = False
    sortable_by = ()
    list_per_page = 50
    list_max_show_all = 0
    list_disable_select_all = True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_active and request.user.is_superuser

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
