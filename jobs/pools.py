"""Setting up Kubernetes pools, for the admin and for `manage.py add_pool`."""

import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext

from accounts.models import User
from jobs import news
from jobs.bootstrap import DEFAULT
from jobs.cluster.errors import Unavailable
from jobs.cluster.kubernetes.options import NAMES, OptionsInvalid, PoolOptions, parse
from jobs.clusters import access, as_text
from jobs.models import AuditEntry, Queue, ResourcePool


def checked(options: Mapping[str, Any]) -> PoolOptions:
    """Raises ValidationError with one message for each option that is unknown or wrong."""
    try:
        return parse(options)
    except OptionsInvalid as exc:
        texts = [f"{name}: {gettext(wrong.text) % wrong.params}" for name, wrong in exc.errors.items()]
        raise ValidationError(texts) from exc


def require_credentials(pool: ResourcePool) -> None:
    """Raises ValidationError when the kubeconfig that the pool names, or its context, is not there. Asks no cluster."""
    try:
        found = access(as_text(pool))
        if found.kubeconfig:
            found.context()
    except Unavailable as exc:
        raise ValidationError(str(exc)) from exc


def add(pool: ResourcePool) -> None:
    """Saves a new pool with its default queue. Raises ValidationError when something about it is wrong."""
    checked(pool.options)
    pool.full_clean()
    require_credentials(pool)
    with transaction.atomic():
        pool.save()
        settle(pool)
        audit("pool.create", pool, actor=None, actor_name="manage.py")


def settle(pool: ResourcePool) -> None:
    """What holds for every saved pool: a queue that a create without one finds, at most one pool is the default, and
    open pages are told."""
    if not pool.queues.exists():
        Queue.objects.create(pool=pool, name=DEFAULT, is_default=True)
    if pool.is_default:
        ResourcePool.objects.exclude(pk=pool.pk).filter(is_default=True).update(is_default=False)
    news.of_pools([pool.pk])


def audit(action: str, pool: ResourcePool, *, actor: User | None, actor_name: str, **columns: str) -> None:
    detail = {name: getattr(pool, name) for name in ("kind", "enabled", "draining", "is_default", "options")}
    AuditEntry.objects.create(
        actor=actor, actor_name=actor_name, action=action, object_id=pool.name, detail=detail, **columns
    )


def option(text: str) -> tuple[str, Any]:
    """`name=value` of a command line: text where the option is one, else JSON. Raises ValidationError."""
    name, sign, value = text.partition("=")
    if not sign or name not in NAMES:
        raise ValidationError(f"{text!r} is not name=value of an option. There are: {', '.join(NAMES)}")
    if isinstance(getattr(PoolOptions(), NAMES[name]), str):
        return name, value
    try:
        return name, json.loads(value)
    except ValueError as exc:
        raise ValidationError(f"{name}: {value!r} is not JSON") from exc
