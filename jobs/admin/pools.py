"""Resource pools and their queues: what an operator sets up. Names are what jobs and clients refer to, so they are
given once; the capacity is what the pool's agent found."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from jobs.models import JobCount, Queue, ResourcePool
from jobs_platform.admin_classes import ModelAdmin, ReadOnlyAdmin, TabularInline

CAPACITY = ("cpu_millis", "memory_bytes", "gpus", "capacity_at", "agent_seen_at", "created_at")


class QueueInline(TabularInline):
    model = Queue
    extra = 0
    fields = ("name", "priority", "max_running_jobs", "is_default", "enabled")
    show_change_link = True

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(ResourcePool)
class ResourcePoolAdmin(ModelAdmin):
    list_display = ("name", "display_name", "kind", "enabled", "draining", "is_default", "agent_seen_at")
    list_filter = ("kind", "enabled", "draining")
    search_fields = ("name", "display_name")
    fields = ("name", "display_name", "kind", "enabled", "draining", "is_default", "options", *CAPACITY)
    inlines = (QueueInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return (*CAPACITY, "name", "kind") if obj else CAPACITY

    def save_model(self, request: HttpRequest, obj: ResourcePool, form: Any, change: bool) -> None:
        """A new default takes the place of the old one: a create that names no pool must find exactly one."""
        super().save_model(request, obj, form, change)
        if obj.is_default:
            ResourcePool.objects.exclude(pk=obj.pk).filter(is_default=True).update(is_default=False)


@admin.register(Queue)
class QueueAdmin(ModelAdmin):
    list_display = ("name", "pool", "priority", "max_running_jobs", "is_default", "enabled")
    list_filter = ("pool", "enabled")
    list_select_related = ("pool",)
    search_fields = ("name",)
    fields = ("pool", "name", "priority", "max_running_jobs", "is_default", "enabled")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("pool", "name") if obj else ()

    def save_model(self, request: HttpRequest, obj: Queue, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if obj.is_default:
            Queue.objects.exclude(pk=obj.pk).filter(pool=obj.pool, is_default=True).update(is_default=False)


@admin.register(JobCount)
class JobCountAdmin(ReadOnlyAdmin):
    list_display = ("project", "status", "count")
    list_display_links = None
    list_select_related = ("project",)
    list_filter = ("status", ("project", admin.RelatedOnlyFieldListFilter))
    fields = ("project", "status", "count")
    search_help_text = _("Kept by the database itself")
