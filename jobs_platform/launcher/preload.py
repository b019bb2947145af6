"""Load once what the services need, so that they share its memory: each is forked from this process.

An import in a child costs twice: what it loads, and a private copy of every shared page that it touches on the way. So
even what one service alone uses is loaded here. Not here, though: what belongs to one process. daphne.server installs
an event loop, a database connection cannot be shared, and a thread does not survive a fork.
"""

import gc
import os
import sys
import threading
from importlib import import_module

from jobs_platform.lean import without

# Tried by the admin's theme, REST framework and Twisted, which do as well without: an HTTP client for tests, TLS for a
# server behind a proxy, and, where the database is another, PostgreSQL's driver.
UNUSED = ("requests", "OpenSSL")
POSTGRESQL_DRIVER = "psycopg"
SHARED = (
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.events",
    "celery.app.log",
    "celery.app.task",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.concurrency.thread",
    "celery.events.dispatcher",
    "celery.events.receiver",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.consumer.delayed_delivery",
    "celery.worker.strategy",
    "billiard.pool",
    "kombu.transport.redis",
    "rest_framework.views",
    "channels.routing",
    "channels.layers",
    "channels_redis.pubsub",
    "daphne.endpoints",
    "daphne.http_protocol",
    "daphne.ws_protocol",
    "twisted.internet.asyncioreactor",
    "twisted.internet.endpoints",
    "django.db.models.sql.compiler",
    "django.contrib.sessions.backends.db",
    "django.contrib.messages.storage.fallback",
    "django.contrib.staticfiles.storage",
    "jobs.agent.main",
    "jobs.cluster.local.cluster",
    "jobs.cluster.local.streams",
    "jobs.management.commands.agent",
    "jobs.routing",
    "jobs.tasks",
    "jobs_platform.handler",
    "jobs_platform.protocols",
    "jobs_platform.sockets",
    "accounts.ws_auth",
)
FORBIDDEN = ("daphne.server", "twisted.internet.reactor")


def preload() -> None:
    os.environ["CELERY_SKIP_CHECKS"] = "1"  # services.run_prepare has made them
    with without(*unused()):
        load()
    settle()


def unused() -> tuple[str, ...]:
    from django.conf import settings

    is_postgresql = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    return UNUSED if is_postgresql else (*UNUSED, POSTGRESQL_DRIVER)


def load() -> None:
    import django

    django.setup()

    from django.conf import settings
    from django.urls import get_resolver

    from jobs_platform.celery import app

    for name in (*SHARED, *(path.rpartition(".")[0] for path in settings.MIDDLEWARE)):
        import_module(name)
    app.loader.init_worker()
    app.finalize()
    get_resolver().url_patterns  # noqa: B018 (imports every view)


def settle() -> None:
    """Move what is loaded out of the collector's reach: its passes would write into, and so copy, shared pages."""
    loaded = [name for name in FORBIDDEN if name in sys.modules]
    if loaded or threading.active_count() > 1:
        raise RuntimeError(f"Not fit to fork: {', '.join(loaded) or 'a thread'} is in the launcher.")
    gc.collect()
    gc.disable()
    gc.freeze()
