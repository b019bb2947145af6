"""Draining of pools, and its end: asked first with the names and how many jobs run and wait there, then audited."""

from dataclasses import asdict
from typing import Any, cast

from django.contrib import messages
from django.contrib.admin import helpers
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs import news, pools, wakeups
from jobs.models import ResourcePool
from jobs.reconcile.usage import measured, waiting_by_pool
from jobs.services import Origin
from jobs_platform import request_id
from jobs_platform.client_address import client_address


def set_draining(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[ResourcePool], *, draining: bool
) -> HttpResponse | None:
    chosen = list(queryset.exclude(draining=draining))
    if not chosen:
        model_admin.message_user(request, _("The selected pools are so already."), messages.WARNING)
        return None
    if request.POST.get("confirmed") != "yes":
        return confirmation(model_admin, request, chosen, draining=draining)
    actor = cast("User", request.user)
    origin = Origin(address=client_address(request), request_id=request_id.current.get())
    for pool in chosen:
        pool.draining = draining
        with transaction.atomic():
            pool.save(update_fields=["draining"])
            action = "pool.drain" if draining else "pool.resume"
            pools.audit(action, pool, actor=actor, actor_name=actor.username, **asdict(origin))
            news.of_pools([pool.pk])
        wakeups.wake(pool.pk)
        said = _("Pool %(pool)s is being drained.") if draining else _("Pool %(pool)s takes jobs again.")
        model_admin.message_user(request, said % {"pool": pool.name}, messages.SUCCESS)
    return None


def confirmation(model_admin: Any, request: HttpRequest, chosen: list[ResourcePool], *, draining: bool) -> HttpResponse:
    waiting = waiting_by_pool()
    uses = [measured(pool, timezone.now(), waiting.get(pool.pk, 0)) for pool in chosen]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Drain") if draining else _("End the draining"),
        "action_name": "drain" if draining else "resume",
        "uses": uses,
        "opts": model_admin.model._meta,
        "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/jobs/resourcepool/confirm_drain.html", context)
