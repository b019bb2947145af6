"""For load balancers, orchestrators and the launcher: is it alive, is it ready, what has it counted.

/healthz says that this process answers requests. /readyz says whether requests can be served: 503 without the
database or with migrations to apply. Without Redis, a pool's agent or its cluster the platform still takes and serves
requests, so that is 200, with `status` "degraded" and the reason.
"""

import logging
from datetime import datetime
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from jobs.models import ResourcePool
from jobs_platform import metrics
from jobs_platform.version import VERSION

logger = logging.getLogger(__name__)

REDIS_TIMEOUT = 0.5  # seconds
migrated = False


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive", "version": VERSION})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    problem = database_problem()
    if problem:
        return JsonResponse({"status": "unready", "database": problem}, status=503)
    redis = redis_problem()
    pools = {pool.name: pool_state(pool) for pool in ResourcePool.objects.filter(enabled=True)}
    good = not redis and all(state["status"] == "ready" for state in pools.values())
    status = "ready" if good else "degraded"
    return JsonResponse({"status": status, "database": "ready", "redis": redis or "ready", "pools": pools})


@require_safe
def metrics_page(request: HttpRequest) -> HttpResponse:
    """The pools' ages are left out while the database does not answer."""
    try:
        pools = [pool_gauges(pool) for pool in ResourcePool.objects.filter(enabled=True)]
    except DatabaseError:
        logger.exception("The pools' gauges could not be read")
        pools = []
    return HttpResponse(metrics.render(pools), content_type=metrics.CONTENT_TYPE)


def database_problem() -> str:
    """ "" when the database answers and every migration is applied; that, once seen, is not asked again: that
    costs more than all other checks."""
    global migrated
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not migrated:
            migrated = not unapplied()
    except DatabaseError:
        logger.exception("The database cannot be used")
        return "cannot be used: the log says why"
    return "" if migrated else "has migrations to apply: run manage.py migrate"


def unapplied() -> set[tuple[str, str]]:
    """By their files' names alone: to load the migrations and build their graph would cost this process, for one
    answer, as much memory as all it does afterwards."""
    known = {
        (app.label, module.name)
        for app in apps.get_app_configs()
        for module in iter_modules([str(Path(app.path) / "migrations")])
        if not module.name.startswith(("_", "~"))
    }
    return known - set(MigrationRecorder(connection).applied_migrations())


def redis_problem() -> str:
    from redis import Redis
    from redis.exceptions import RedisError

    client = Redis.from_url(settings.REDIS_URL, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT)
    try:
        client.ping()
    except RedisError:
        return "cannot be reached"
    finally:
        client.close()
    return ""


def pool_state(pool: ResourcePool) -> dict[str, Any]:
    """Ages in seconds: since the pool's agent last said that it works, and since its watch last heard from the cluster;
    null where that never was, or, for the second, where there is nothing to watch."""
    agent, watch = age(pool.agent_seen_at), watch_age(pool)
    return {
        "status": pool_status(pool, agent, watch),
        "agentAgeSeconds": agent,
        "watchAgeSeconds": watch,
        "frozen": pool.frozen_at is not None,
    }


def pool_status(pool: ResourcePool, agent: float | None, watch: float | None) -> str:
    if agent is None:
        return "no agent yet"
    if agent > settings.AGENT_STALE_SECONDS:
        return "agent not seen lately"
    if pool.is_watched and watch is None:
        return "cluster not seen yet"
    if watch is not None and watch > settings.WATCH_STALE_SECONDS:
        return "cluster not seen lately"
    if pool.frozen_at is not None:
        return "frozen: too many of its jobs seem lost at once"
    return "ready"


def pool_gauges(pool: ResourcePool) -> metrics.PoolGauges:
    return metrics.PoolGauges(pool.name, age(pool.agent_seen_at), watch_age(pool), pool.frozen_at is not None)


def watch_age(pool: ResourcePool) -> float | None:
    return age(pool.watched_at) if pool.is_watched else None


def age(moment: datetime | None) -> float | None:
    return None if moment is None else round((timezone.now() - moment).total_seconds(), 1)
