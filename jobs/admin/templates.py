"""Templates of projects, to read: they are kept and changed on the pages and through the API, under the same rules."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from jobs.admin.shown import pretty_json
from jobs.models import JobTemplate, SavedView
from jobs_platform.admin_classes import ReadOnlyAdmin


@admin.register(JobTemplate)
class JobTemplateAdmin(ReadOnlyAdmin):
    list_display = ("name", "project", "owner", "created_at", "updated_at")
    list_filter = ("project", "updated_at")
    list_select_related = ("project", "owner")
    search_fields = ("name",)
    fields = ("name", "project", "owner", "specification", "created_at", "updated_at")
    readonly_fields = ("specification",)

    @admin.display(description=_("specification"))
    def specification(self, template: JobTemplate) -> SafeString:
        return pretty_json(template.spec)


@admin.register(SavedView)
class SavedViewAdmin(ReadOnlyAdmin):
    list_display = ("name", "user", "params")
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    fields = ("name", "user", "params")
