"""Resource pools and their queues: what an operator sets up. Names are what jobs and clients refer to, so they are
given once; the capacity is what the pool's agent found."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs import news, pool_check, pools
from jobs.admin import drains
from jobs.cluster.kubernetes.options import NAMES
from jobs.models import JobCount, PoolUse, Queue, ResourcePool
from jobs.reconcile import losses
from jobs.services import Origin
from jobs_platform import request_id
from jobs_platform.admin_classes import ModelAdmin, ReadOnlyAdmin, TabularInline
from jobs_platform.client_address import client_address

if TYPE_CHECKING:
    PoolForm = forms.ModelForm[ResourcePool]
else:
    PoolForm = forms.ModelForm

CAPACITY = (
    "cpu_millis", "memory_bytes", "gpus", "capacity_at", "agent_seen_at", "watched_at", "frozen_at", "created_at",
)  # fmt: skip
MOST_CHECKED = 10  # pools a request: each may take a time limit to answer
EXAMPLE = '{"kubeconfig": "training", "namespace": "training", "gpuResource": "nvidia.com/gpu"}'


class ResourcePoolForm(PoolForm):
    class Meta:
        help_texts = {  # noqa: RUF012 (Django's own name and form)
            "options": format_lazy(
                "{} {} {}",
                _("Of a Kubernetes pool, as JSON, described in docs/kubernetes.md:"),
                ", ".join(NAMES) + ".",
                EXAMPLE,
            )
        }

    def clean_options(self) -> dict[str, Any]:
        options = self.cleaned_data["options"]
        if options is None:
            return {}
        if not isinstance(options, dict):
            raise ValidationError(_("This must be an object."))
        return options

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        kind = data.get("kind") or self.instance.kind
        if kind == ResourcePool.KUBERNETES and "options" in data:
            try:
                pools.checked(data["options"])
            except ValidationError as exc:
                self.add_error("options", exc)
        return data


class QueueInline(TabularInline):
    model = Queue
    extra = 0
    fields = ("name", "priority", "max_running_jobs", "is_default", "enabled")
    show_change_link = True

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(ResourcePool)
class ResourcePoolAdmin(ModelAdmin):
    list_display = ("name", "display_name", "kind", "enabled", "draining", "is_default", "agent_seen_at", "frozen_at")
    list_filter = ("kind", "enabled", "draining")
    search_fields = ("name", "display_name")
    fields = ("name", "display_name", "kind", "enabled", "draining", "is_default", "options", *CAPACITY)
    inlines = (QueueInline,)
    form = ResourcePoolForm
    actions = ("check_pools", "drain", "resume", "accept_loss")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return (*CAPACITY, "name", "kind") if obj else CAPACITY

    def save_model(self, request: HttpRequest, obj: ResourcePool, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        user = cast("User", request.user)
        origin = Origin(address=client_address(request), request_id=request_id.current.get())
        action = "pool.change" if change else "pool.create"
        pools.audit(action, obj, actor=user, actor_name=user.username, **asdict(origin))
        self.warn_of_credentials(request, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        pools.settle(form.instance)

    def warn_of_credentials(self, request: HttpRequest, pool: ResourcePool) -> None:
        """It is saved all the same: the file may come later, and a pool must be possible to switch off without it."""
        try:
            if pool.kind == ResourcePool.KUBERNETES:
                pools.require_credentials(pool)
        except ValidationError as exc:
            self.message_user(request, " ".join(exc.messages), messages.WARNING)

    @admin.action(description=_("Accept the loss of jobs in the selected frozen pools"), permissions=["change"])
    def accept_loss(self, request: HttpRequest, queryset: QuerySet[ResourcePool]) -> None:
        """See jobs.reconcile.losses.accept()."""
        user = cast("User", request.user)
        origin = Origin(address=client_address(request), request_id=request_id.current.get())
        for pool in queryset:
            if pool.frozen_at is None:
                self.message_user(request, _("Pool %(pool)s is not frozen.") % {"pool": pool.name}, messages.WARNING)
                continue
            with transaction.atomic():
                pools.audit("pool.accept-loss", pool, actor=user, actor_name=user.username, **asdict(origin))
                accepted = losses.accept(pool)
                news.of_pools([pool.pk])
            text = _("Jobs of pool %(pool)s that end as lost: %(count)d.") % {"count": accepted, "pool": pool.name}
            self.message_user(request, text, messages.SUCCESS)

    @admin.action(description=_("Drain the selected resource pools: nothing new starts"), permissions=["change"])
    def drain(self, request: HttpRequest, queryset: QuerySet[ResourcePool]) -> HttpResponse | None:
        return drains.set_draining(self, request, queryset, draining=True)

    @admin.action(description=_("End the draining of the selected resource pools"), permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[ResourcePool]) -> HttpResponse | None:
        return drains.set_draining(self, request, queryset, draining=False)

    @admin.action(description=_("Check the selected resource pools"), permissions=["change"])
    def check_pools(self, request: HttpRequest, queryset: QuerySet[ResourcePool]) -> HttpResponse | None:
        chosen = list(queryset.filter(kind=ResourcePool.KUBERNETES)[:MOST_CHECKED])
        if not chosen:
            self.message_user(request, _("Only Kubernetes pools are checked."), messages.WARNING)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Check of resource pools"),
            "opts": self.model._meta,
            "checked": [(pool, pool_check.check(pool)) for pool in chosen],
        }
        return TemplateResponse(request, "admin/jobs/resourcepool/check.html", context)


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
        news.of_pools([obj.pool_id])


@admin.register(JobCount)
class JobCountAdmin(ReadOnlyAdmin):
    list_display = ("project", "status", "count")
    list_display_links = None
    list_select_related = ("project",)
    list_filter = ("status", ("project", admin.RelatedOnlyFieldListFilter))
    fields = ("project", "status", "count")
    search_help_text = _("Kept by the database itself")


@admin.register(PoolUse)
class PoolUseAdmin(ReadOnlyAdmin):
    list_display = ("at", "pool", "running", "waiting", "cpu_millis", "memory_bytes", "gpus")
    list_select_related = ("pool",)
    list_filter = (("pool", admin.RelatedOnlyFieldListFilter),)
    fields = ("at", "pool", "running", "waiting", "cpu_millis", "memory_bytes", "gpus")
    search_help_text = _("Written down once a minute, and kept for a week")
