"""For load balancers, orchestrators and the launcher: is it alive, is it ready, what has it counted.

/healthz says that this process answers requests. /readyz says whether requests can be served: 503 without the
database or with migrations to apply. Without Redis or a pool's agent the platform still takes and serves requests, so
that is 200, with `status` "degraded" and the reason.
"""

import logging
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
    return HttpResponse(metrics.render(), content_type=metrics.CONTENT_TYPE)


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
    """How long ago, in seconds, the pool's agent last said that it works."""
    if pool.agent_seen_at is None:
        return {"status": "no agent yet", "agentAgeSeconds": None}
    age = (timezone.now() - pool.agent_seen_at).total_seconds()
    status = "ready" if age <= settings.AGENT_STALE_SECONDS else "agent not seen lately"
    return {"status": status, "agentAgeSeconds": round(age, 1)}
