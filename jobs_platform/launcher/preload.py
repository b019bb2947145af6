"""Load once what all services need, so that they share its memory: each is forked from this process.

Not here: what belongs to one process alone. daphne.server installs an event loop, a database connection cannot be
shared, and a thread does not survive a fork.
"""

import gc
import sys
from importlib import import_module

SHARED = ("celery.app.amqp", "celery.app.task", "kombu.transport.redis", "rest_framework.views")
FORBIDDEN = ("daphne.server", "twisted.internet.reactor")


def preload() -> None:
    import django

    django.setup()

    from django.urls import get_resolver

    from jobs_platform.celery import app

    for name in SHARED:
        import_module(name)
    app.loader.import_default_modules()
    get_resolver().url_patterns  # noqa: B018 (imports every view)
    settle()


def settle() -> None:
    """Move what is loaded out of the collector's reach: its passes would write into, and so copy, shared pages."""
    loaded = [name for name in FORBIDDEN if name in sys.modules]
    if loaded:
        raise RuntimeError(f"{', '.join(loaded)} was imported before the services were forked.")
    gc.collect()
    gc.disable()
    gc.freeze()
