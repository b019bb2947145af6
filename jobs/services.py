"""What people may do with jobs: the same functions for the API, the pages, the admin and commands.

A call that returns is committed; everything after that is the worker's. No cluster and no broker is needed to accept a
write. Every function raises jobs.exceptions only.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Project, User
from accounts.roles import Right, may, may_control
from jobs import news, quantities, secrets, transitions, wakeups
from jobs.events import platform_event
from jobs.exceptions import (
    IdempotencyMismatch,
    JobNotActive,
    JobNotFound,
    JobStillActive,
    PermissionDenied,
    PodNotFound,
    ValidationFailed,
)
from jobs.identifiers import JOB_ID, parse_pod_name
from jobs.models import AuditEntry, Job, Pod, Priority, Queue, ResourcePool
from jobs.placement import find_project, find_queue
from jobs.states import Desired, JobStatus
from jobs_platform.inserts import prepare

DEFAULT_GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a call came from, for the audit."""

    address: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Submitted:
    job: Job
    created: bool  # False: the same request came before, and this is its job


def submit(
    *,
    actor: User,
    config: Mapping[str, Any],
    secrets: Mapping[str, str],
    origin: Origin,
    idempotency_key: str | None = None,
    dry_run: bool = False,
) -> Submitted:
    """`config` is the create body, validated and normalised (camelCase; a secret env without its value); `secrets` the
    values taken out of it. With dry_run all is checked and nothing written: the job has no id then.

    Raises PoolNotFound, QueueNotFound, ProjectNotFound, PermissionDenied, IdempotencyMismatch, and ValidationFailed
    when the pool could never hold the job."""
    project, role = find_project(actor, config.get("projectId"))
    if not may(role, Right.SUBMIT):
        raise PermissionDenied
    queue = find_queue(config.get("resourcePoolId"), config.get("queue"))
    digest = request_hash(config, secrets)
    if idempotency_key and (earlier := earlier_job(project, idempotency_key, digest)):
        return Submitted(earlier, created=False)
    job = build_job(actor, project, queue, config, secrets)
    job.idempotency_key, job.request_hash = idempotency_key or None, digest
    refuse_impossible(job, queue.pool)
    if dry_run:
        return Submitted(job, created=False)
    try:
        store(job, actor, project, origin)
    except IntegrityError:
        # Two equal requests at once: the other one won, and its job is the answer to both.
        if not idempotency_key or not (earlier := earlier_job(project, idempotency_key, digest)):
            raise
        return Submitted(earlier, created=False)
    return Submitted(job, created=True)


def store(job: Job, actor: User, project: Project, origin: Origin) -> None:
    told = platform_event(job_pk=0, reason="Submitted", params={"user": actor.username}, at=job.created_at)
    inserts = prepare(job), prepare(told), prepare(audit_entry(actor, "job.create", job, origin, project=project))
    with transaction.atomic():
        own, event, audited = inserts
        own.run()
        event.run(job_id=job.pk)
        audited.run()
        news.of_jobs([job.pk])
        transaction.on_commit(partial(wakeups.wake, job.pool_id))


def run_again(*, actor: User, public_id: str, origin: Origin) -> Job:
    """A new job that asks for the same, secrets included, in the name of the same owner. Raises JobNotFound,
    PermissionDenied, JobStillActive, and what submit raises."""
    job = find_job(actor=actor, public_id=public_id)
    require_control(actor, job)
    if job.is_active:
        raise JobStillActive(status=job.status)
    queue = find_queue(job.pool.name, job.queue.name)
    config, values = job.config, secrets.unseal(job.secret_envs)
    made = build_job(job.owner, job.project, queue, config, values)
    made.request_hash = request_hash(config, values)
    refuse_impossible(made, queue.pool)
    store(made, actor, job.project, origin)
    return made


def build_job(actor: User, project: Project, queue: Queue, config: Mapping[str, Any], values: Mapping[str, str]) -> Job:
    resources = config.get("resources", {})
    return Job(
        name=config["jobName"],
        project=project,
        owner=actor,
        pool=queue.pool,
        queue=queue,
        config={**config, "resourcePoolId": queue.pool.name, "queue": queue.name, "projectId": project.slug},
        secret_envs=secrets.seal(dict(values)),
        labels=config.get("labels", {}),
        priority=Priority[config.get("priority", "normal").upper()],
        replicas=config.get("replicas", 1),
        cpu_millis=quantities.cpu_millis(resources["cpu"]) if "cpu" in resources else 0,
        memory_bytes=quantities.memory_bytes(resources["memory"]) if "memory" in resources else 0,
        gpus=resources.get("gpu", 0),
        status_reason="Submitted",
    )


def refuse_impossible(job: Job, pool: ResourcePool) -> None:
    """A job that asks for more than its pool has would wait for ever: refused with the numbers."""
    sentence = _(
        "The job asks for %(asked)s in all and pool %(pool)s has %(total)s. Ask for less, or choose another pool."
    )
    asked: dict[str, tuple[int, int | None, Callable[[int], str]]] = {
        "resources.cpu": (job.cpu_millis * job.replicas, pool.cpu_millis, quantities.show_cpu),
        "resources.memory": (job.memory_bytes * job.replicas, pool.memory_bytes, quantities.show_memory),
        "resources.gpu": (job.gpus * job.replicas, pool.gpus, str),
    }
    errors = {
        field: [sentence % {"asked": show(amount), "total": show(total), "pool": pool.name}]
        for field, (amount, total, show) in asked.items()
        if total is not None and amount > total
    }
    if errors:
        raise ValidationFailed(errors)


def request_hash(config: Mapping[str, Any], values: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps([config, values], sort_keys=True).encode()).hexdigest()


def earlier_job(project: Project, key: str, digest: str) -> Job | None:
    """A job deleted since still answers for its key: the client asked for one job and had it."""
    job = Job.objects.filter(project=project, idempotency_key=key).first()
    if job and job.request_hash != digest:
        raise IdempotencyMismatch
    return job


def stop(*, actor: User, public_id: str, origin: Origin) -> Job:
    """Ask a job to end. Again on Stopping or Stopped: the same answer. Raises JobNotActive on Succeeded and Failed."""
    for _attempt in range(10):
        job = find_job(actor=actor, public_id=public_id)
        require_control(actor, job)
        if job.state in (JobStatus.STOPPING, JobStatus.STOPPED):
            return job
        if job.is_final:
            raise JobNotActive(status=job.status)
        if request_stop(job, actor, Desired.STOP, origin, timezone.now()):
            return find_job(actor=actor, public_id=public_id)
    raise RuntimeError(f"{public_id} changed ten times while it was being stopped")


def request_stop(job: Job, actor: User, desired: Desired, origin: Origin, now: datetime) -> bool:
    """False when the job changed since it was read."""
    params = {"user": actor.username, "grace": grace_seconds(job)}
    move = transitions.Move(
        job_pk=job.pk,
        version=job.version,
        new=JobStatus.STOPPING,
        reason="StopRequested",
        params=params,
        attempt=job.attempt_number or None,
        columns={"desired": desired.value, "next_check_at": now, "hints": F("hints") + 1, **deletion(desired, now)},
    )
    with transaction.atomic():
        if not transitions.apply(move, now):
            return False
        audit(actor, f"job.{desired.value}", job, origin)
        transaction.on_commit(partial(wakeups.wake, job.pool_id))
    return True


def delete(*, actor: User, public_id: str, origin: Origin) -> None:
    """Hide the job from everyone at once; if it runs, it is stopped. The row stays until nothing of it runs."""
    for _attempt in range(10):
        job = find_job(actor=actor, public_id=public_id)
        require_control(actor, job)
        now = timezone.now()
        if job.is_active and job.state is not JobStatus.STOPPING:
            done = request_stop(job, actor, Desired.DELETE, origin, now)
        else:
            done = mark_deleted(job, actor, origin, now)
        if done:
            return
    raise RuntimeError(f"{public_id} changed ten times while it was being deleted")


def mark_deleted(job: Job, actor: User, origin: Origin, now: datetime) -> bool:
    with transaction.atomic():
        rows = Job.objects.filter(pk=job.pk, version=job.version, deleted_at=None).update(
            desired=Desired.DELETE.value, next_check_at=now, version=job.version + 1, **deletion(Desired.DELETE, now)
        )
        if rows:
            audit(actor, "job.delete", job, origin)
            news.of_jobs([job.pk])
            transaction.on_commit(partial(wakeups.wake, job.pool_id))
    return rows == 1


def deletion(desired: Desired, now: datetime) -> dict[str, Any]:
    return {"deleted_at": now} if desired is Desired.DELETE else {}


def grace_seconds(job: Job) -> int:
    return int(job.config.get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS))


def find_job(*, actor: User, public_id: str, related: bool = True) -> Job:
    """Raises JobNotFound, also for a job of a project the actor is not in. `related` brings owner, project, pool and
    queue along."""
    if not JOB_ID.fullmatch(public_id):  # PostgreSQL fails at a NUL character where SQLite finds nothing
        raise JobNotFound
    jobs = Job.objects.visible_to(actor).filter(public_id=public_id)
    job = (jobs.select_related("owner", "project", "pool", "queue") if related else jobs).first()
    if job is None:
        raise JobNotFound
    return job


def find_pod(*, job: Job, name: str) -> Pod:
    """Only among the job's own pods. Raises PodNotFound."""
    if parse_pod_name(name) is None:
        raise PodNotFound
    pod = Pod.objects.select_related("attempt").filter(job=job, name=name).first()
    if pod is None:
        raise PodNotFound
    return pod


def require_control(actor: User, job: Job) -> None:
    """Raises PermissionDenied unless the actor may stop, delete and enter this job."""
    if not may_control(actor.role_in(job.project_id), owns=job.owner_id == actor.pk):
        raise PermissionDenied


def audit(actor: User, action: str, job: Job, origin: Origin, *, detail: Mapping[str, Any] | None = None) -> None:
    audit_entry(actor, action, job, origin, project=job.project, detail=detail).save(force_insert=True)


def audit_entry(
    actor: User,
    action: str,
    job: Job,
    origin: Origin,
    *,
    project: Project,
    detail: Mapping[str, Any] | None = None,
) -> AuditEntry:
    return AuditEntry(
        actor=actor,
        actor_name=actor.username,
        action=action,
        object_id=job.public_id,
        project_slug=project.slug,
        detail=dict(detail or {}),
        **asdict(origin),
    )


def visible_project_ids(actor: User) -> Sequence[int] | None:
    """None is "all of them"."""
    return None if actor.is_superuser else actor.project_ids()
