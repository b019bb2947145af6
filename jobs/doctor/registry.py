"""What the rows tell: keys, accounts, jobs that nobody looks at, and pools."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from cryptography.fernet import InvalidToken
from django.utils import timezone

from accounts.models import User
from jobs import pool_check
from jobs.findings import Finding, Level
from jobs.models import Job, ResourcePool
from jobs.secrets import unseal
from jobs_platform import health

LATE = timedelta(seconds=60)


def secrets() -> Iterator[Finding]:
    subject = "secrets"
    sealed = Job.objects.exclude(secret_envs="").order_by("-pk").values_list("secret_envs", flat=True).first()
    try:
        unseal(sealed or "")
    except InvalidToken:
        fix = "Restore the SECRET_KEY that the platform ran with when those jobs were created."
        yield Finding(Level.PROBLEM, subject, "secret variables of jobs cannot be read with this SECRET_KEY", fix)
        return
    yield Finding(Level.OK, subject, "SECRET_KEY opens them" if sealed else "no job has any")


def accounts() -> Iterator[Finding]:
    number = User.objects.filter(is_superuser=True, is_active=True).count()
    if number:
        yield Finding(Level.OK, "accounts", f"{number} may use every page of the admin")
    else:
        fix = "Run manage.py bootstrap, or manage.py createsuperuser."
        yield Finding(Level.PROBLEM, "accounts", "nobody may use the admin", fix)


def due() -> Iterator[Finding]:
    late = Job.objects.filter(next_check_at__lt=timezone.now() - LATE)
    if number := late.count():
        fix = "Nothing reconciles: start the worker and beat, or the agent; their logs say what stops them."
        yield Finding(Level.PROBLEM, "due jobs", f"{number} were to be looked at over a minute ago", fix)
    else:
        yield Finding(Level.OK, "due jobs", "none waits for longer than a minute")


def pools() -> Iterator[Finding]:
    found = list(ResourcePool.objects.filter(enabled=True).order_by("name"))
    if not found:
        yield Finding(Level.PROBLEM, "pools", "there is none", "Add one: manage.py add_pool.")
    for pool in found:
        yield state(pool)
        if pool.kind == ResourcePool.KUBERNETES:
            yield from of_cluster(pool)


def state(pool: ResourcePool) -> Finding:
    said = health.pool_state(pool)["status"]
    subject = f"pool {pool.name}"
    if said == "ready":
        return Finding(Level.OK, subject, "its agent and its watch work")
    fix = "Start the agent: manage.py agent. Its log says what it cannot reach."
    if pool.frozen_at is not None:
        fix = "See the pool in the admin: it thaws when its jobs are there again, or accept the loss there."
    return Finding(Level.PROBLEM, subject, said, fix)


def of_cluster(pool: ResourcePool) -> Iterator[Finding]:
    """What check_pool says, but for what is fine."""
    for finding in pool_check.check(pool):
        if finding.level is not Level.OK:
            yield replace(finding, subject=f"pool {pool.name}: {finding.subject}")
