"""The rows that a first start makes. Each function leaves alone what is there already: a password, a role or a limit
that someone has changed since stays changed."""

import os
import secrets

from accounts.models import Membership, Project, User
from accounts.roles import Role
from jobs.models import Queue, ResourcePool

ADMIN = "admin"
DEFAULT = "default"
LOCAL = "local"
MAX_RUNNING_JOBS = 64


def ensure_admin(password: str) -> tuple[User, str]:
    """The first superuser, and its password if that had to be generated now, else "". The given password counts only
    when nobody is superuser yet."""
    existing = User.objects.filter(is_superuser=True).order_by("id").first()
    if existing:
        return existing, ""
    generated = "" if password else secrets.token_urlsafe(12)
    return User.objects.create_superuser(username=ADMIN, password=password or generated), generated


def ensure_project(admin: User) -> Project:
    project, made = Project.objects.get_or_create(slug=DEFAULT, defaults={"name": "Default"})
    if made:
        Membership.objects.create(user=admin, project=project, role=Role.ADMIN.value)
    return project


def ensure_local_pool() -> ResourcePool:
    pool, made = ResourcePool.objects.get_or_create(
        name=LOCAL, defaults={"kind": ResourcePool.LOCAL, "is_default": not has_default_pool(), **capacity()}
    )
    if made:
        Queue.objects.create(pool=pool, name=DEFAULT, is_default=True, max_running_jobs=MAX_RUNNING_JOBS)
    return pool


def has_default_pool() -> bool:
    return ResourcePool.objects.filter(is_default=True).exists()


def capacity() -> dict[str, int]:
    """What this machine has. The pool's agent reads it again, more closely, as it runs."""
    return {
        "cpu_millis": len(os.sched_getaffinity(0)) * 1000,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    }
