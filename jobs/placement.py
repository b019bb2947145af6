"""Where a new job goes: its project and the submitter's role there, its queue and pool.

Plain SQL: this runs with every create, and the ORM takes several times as long to write these statements as the
database to answer them.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import Project, User
from accounts.roles import Role
from jobs.exceptions import PoolNotFound, ProjectNotFound, QueueNotFound, ValidationFailed
from jobs.models import Queue, ResourcePool

# `default` first, then the oldest.
ORDER = "ORDER BY p.slug <> 'default', p.id LIMIT 1"
MINE = f"""
SELECT p.*, m.role AS role FROM accounts_project p JOIN accounts_membership m ON m.project_id = p.id
WHERE m.user_id = %s AND (%s OR p.slug = %s) {ORDER}
"""
ANY = f"SELECT p.* FROM accounts_project p WHERE %s OR p.slug = %s {ORDER}"
QUEUE = """
SELECT q.* FROM jobs_queue q JOIN jobs_resourcepool p ON p.id = q.pool_id
WHERE (p.name = %s OR (%s AND p.is_default)) AND (q.name = %s OR (%s AND q.is_default)) ORDER BY q.id LIMIT 1
"""
POOL = "SELECT * FROM jobs_resourcepool WHERE id = %s"


def find_project(actor: User, slug: str | None) -> tuple[Project, Role]:
    """The named project, or, without a name, `default` when the actor is in it, else the first of the actor's; and
    the actor's role in it. Raises ProjectNotFound, also for a project that the actor is not in."""
    wanted: list[Any] = [not slug, slug or ""]
    statement, mine = (ANY, []) if actor.is_superuser else (MINE, [actor.pk])
    project = next(iter(Project.objects.raw(statement, [*mine, *wanted])), None)
    if project is None:
        raise ProjectNotFound
    return project, Role.ADMIN if actor.is_superuser else Role(vars(project)["role"])


def find_queue(pool_name: str | None, queue_name: str | None) -> Queue:
    """With its pool. Without names: the default pool's default queue. Raises PoolNotFound, QueueNotFound, and
    ValidationFailed for one that is switched off."""
    wanted = [pool_name or "", not pool_name, queue_name or "", not queue_name]
    queue = next(iter(Queue.objects.raw(QUEUE, wanted)), None)
    if queue is None and pool_name and not ResourcePool.objects.filter(name=pool_name).exists():
        raise PoolNotFound
    if queue is None:
        raise QueueNotFound if queue_name or pool_name else PoolNotFound
    queue.pool = ResourcePool.objects.raw(POOL, [queue.pool_id])[0]
    if not queue.pool.enabled:
        raise ValidationFailed({"resourcePoolId": [_("This resource pool is switched off. Choose another one.")]})
    if not queue.enabled:
        raise ValidationFailed({"queue": [_("This queue is switched off. Choose another one.")]})
    return queue
