"""What people may do with templates: the same functions for the API and the pages.

Everyone in a project sees its templates; who may submit jobs there may keep one; its owner and the project's admins
change and delete it.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import Right, may, may_control
from jobs.exceptions import PermissionDenied, TemplateExists, TemplateNotFound, ValidationFailed
from jobs.models import AuditEntry, JobTemplate
from jobs.placement import find_project
from jobs.services import Origin, visible_project_ids

MOST_PER_PROJECT = 500


def listed(actor: User) -> QuerySet[JobTemplate]:
    """Of all projects the actor is in, by name."""
    templates = JobTemplate.objects.select_related("project", "owner")
    projects = visible_project_ids(actor)
    return templates if projects is None else templates.filter(project__in=projects)


def find(*, actor: User, pk: str) -> JobTemplate:
    """Raises TemplateNotFound, also for one of a project the actor is not in."""
    is_number = pk.isascii() and pk.isdigit() and len(pk) < 19
    template = listed(actor).filter(pk=int(pk)).first() if is_number else None
    if template is None:
        raise TemplateNotFound
    return template


def create(*, actor: User, name: str, spec: Mapping[str, Any], origin: Origin) -> JobTemplate:
    """`spec` is the create body, validated and normalised; its projectId says where the template belongs. Raises
    ProjectNotFound, PermissionDenied, TemplateExists, and ValidationFailed when the project has too many."""
    project, role = find_project(actor, spec.get("projectId"))
    if not may(role, Right.SUBMIT):
        raise PermissionDenied
    if JobTemplate.objects.filter(project=project).count() >= MOST_PER_PROJECT:
        sentence = _("The project has %(most)s templates, which is the most. Delete one that is no longer used.")
        raise ValidationFailed({"name": [sentence % {"most": MOST_PER_PROJECT}]})
    template = JobTemplate(project=project, owner=actor, name=name, spec=dict(spec))
    save(template, actor, "template.create", origin)
    return template


def change(*, actor: User, pk: str, name: str, spec: Mapping[str, Any], origin: Origin) -> JobTemplate:
    """Replaces name and spec; the project stays. Raises TemplateNotFound, PermissionDenied, TemplateExists."""
    template = find(actor=actor, pk=pk)
    require_control(actor, template)
    template.name, template.spec, template.updated_at = name, dict(spec), timezone.now()
    save(template, actor, "template.change", origin)
    return template


def delete(*, actor: User, pk: str, origin: Origin) -> None:
    """Raises TemplateNotFound, PermissionDenied."""
    template = find(actor=actor, pk=pk)
    require_control(actor, template)
    with transaction.atomic():
        audit(template, actor, "template.delete", origin)
        template.delete()


def require_control(actor: User, template: JobTemplate) -> None:
    if not may_control(actor.role_in(template.project_id), owns=template.owner_id == actor.pk):
        raise PermissionDenied


def save(template: JobTemplate, actor: User, action: str, origin: Origin) -> None:
    try:
        with transaction.atomic():
            template.save()
            audit(template, actor, action, origin)
    except IntegrityError:
        raise TemplateExists(name=template.name) from None


def audit(template: JobTemplate, actor: User, action: str, origin: Origin) -> None:
    AuditEntry.objects.create(
        actor=actor,
        actor_name=actor.username,
        action=action,
        object_id=str(template.pk),
        project_slug=template.project.slug,
        detail={"name": template.name},
        **asdict(origin),
    )
