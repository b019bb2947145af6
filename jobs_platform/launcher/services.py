"""What the launcher runs. Each is an ordinary command too, to be run by itself elsewhere:

redis   valkey-server, or any Redis: REDIS_URL
web     manage.py web
worker  celery -A jobs_platform worker -P threads --without-gossip --without-mingle --without-heartbeat
beat    celery -A jobs_platform beat
agent   manage.py agent
"""

import warnings
from dataclasses import dataclass

from jobs_platform.launcher import redis_server
from jobs_platform.launcher.environment import Instance
from jobs_platform.launcher.process import Announce, Target


@dataclass(frozen=True)
class Service:
    name: str
    target: Target
    announces: bool = True  # says itself that it is ready
    stop_seconds: float = 10.0  # from SIGTERM to SIGKILL
    hint: str = ""  # where to look when it ends by itself


def redis(instance: Instance) -> Service:
    return Service(
        "redis",
        lambda announce: redis_server.run(instance.data_dir),
        announces=False,
        stop_seconds=5.0,
        hint=f" Its log: {redis_server.log_file(instance.data_dir)}",
    )


def prepare() -> Service:
    """Once, before the others: the schema and the first rows."""
    return Service("prepare", run_prepare)


def count_jobs() -> Service:
    """Once, before the end: what goes on without the platform."""
    return Service("jobs", run_count)


def services(instance: Instance) -> list[Service]:
    """In the order of their start; they are stopped in stages (supervisor.STOP_STAGES)."""
    return [
        Service("web", lambda announce: run_web(instance, announce), stop_seconds=12.0),
        Service("worker", run_worker),
        Service("beat", run_beat),
        Service("agent", run_agent, announces=False),
    ]


def run_prepare(announce: Announce) -> int:
    from django.core.management import call_command
    from django.core.management.base import BaseCommand
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    BaseCommand().check()  # prints what is wrong, and nothing else
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)
    call_command("bootstrap")
    announce()
    return 0


def run_web(instance: Instance, announce: Announce) -> int:
    from jobs_platform.server import serve

    return serve(instance.host, instance.port, on_listening=announce)


def run_worker(announce: Announce) -> int:
    from celery.exceptions import SecurityWarning
    from celery.signals import worker_ready
    from django.conf import settings

    from jobs_platform.celery import app

    # It warns root of pickled messages; ours are JSON alone.
    warnings.simplefilter("ignore", SecurityWarning)
    worker_ready.connect(lambda **_: announce(), weak=False)
    worker = app.Worker(
        pool="threads",
        concurrency=settings.WORKER_THREADS,
        loglevel=settings.LOG_LEVEL,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def run_beat(announce: Announce) -> int:
    from celery.signals import beat_init
    from django.conf import settings

    from jobs_platform.celery import app

    beat_init.connect(lambda **_: announce(), weak=False)
    app.Beat(loglevel=settings.LOG_LEVEL, quiet=True).run()
    return 0


def run_agent(announce: Announce) -> int:
    from django.core.management import call_command

    call_command("agent")
    return 0


def run_count(announce: Announce) -> int:
    """Prints how many jobs are on this machine still; the exit code is 0."""
    from jobs.models import Job

    running = Job.objects.filter(status__in=["Starting", "Running", "Stopping"]).count()
    if running:
        print(f"{running} job(s) go on without the platform; the next start picks them up.")  # noqa: T201
    return 0
