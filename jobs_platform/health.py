"""For load balancers, orchestrators and the launcher: is it alive, is it ready, what has it counted.

/healthz says that this process answers requests. /readyz says whether requests can be served: 503 without the
database or with migrations to apply. Without Redis, a pool's agent or its cluster the platform still takes and serves
requests, so that is 200, with `status` "degraded" and the reason.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, TypeVar

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from jobs import gauges
from jobs.models import ResourcePool
from jobs_platform import metrics
from jobs_platform.version import VERSION

logger = logging.getLogger(__name__)

REDIS_TIMEOUT = 0.5  # seconds
CELERY_QUEUE = "celery"
T = TypeVar("T")
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
    """What the database knows is left out while it does not answer, and so is what Redis does."""
    found = [*metrics.own(), *of_redis()]
    try:
        found += gauges.families(timezone.now())
    except DatabaseError:
        logger.exception("The database's gauges could not be read")
        found.append(up("database_up", "1 while the database answers.", answers=False))
    else:
        found.append(up("database_up", "1 while the database answers.", answers=True))
    return HttpResponse(metrics.render(found), content_type=metrics.CONTENT_TYPE)


def of_redis() -> Iterator[metrics.Family]:
    length = asked_redis(lambda client: int(client.llen(CELERY_QUEUE)))
    yield up("redis_up", "1 while Redis answers.", answers=length is not None)
    samples = [] if length is None else [metrics.Sample(length)]
    yield metrics.Family("celery_queue_length", "Tasks that no worker has taken yet.", "gauge", samples)


def up(name: str, meaning: str, *, answers: bool) -> metrics.Family:
    return metrics.Family(name, meaning, "gauge", [metrics.Sample(int(answers))])


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
    return "cannot be reached" if asked_redis(lambda client: client.ping()) is None else ""


def asked_redis(question: Callable[[Any], T]) -> T | None:
    """None where it does not answer."""
    from redis import Redis
    from redis.exceptions import RedisError

    client = Redis.from_url(settings.REDIS_URL, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT)
    try:
        return question(client)
    except RedisError:
        return None
    finally:
        client.close()


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


def watch_age(pool: ResourcePool) -> float | None:
    return age(pool.watched_at) if pool.is_watched else None


def age(moment: datetime | None) -> float | None:
    return None if moment is None else round((timezone.now() - moment).total_seconds(), 1)
