"""What the tests of the admin share: log-in as somebody, rows of every model, and their pages."""

from datetime import timedelta
from typing import Any

from django.contrib.admin import site
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiToken, Project, User
from jobs import secrets
from jobs.models import (
    Attempt,
    AuditEntry,
    Event,
    Job,
    JobTemplate,
    Pod,
    PoolUse,
    Queue,
    SavedView,
    TerminalRecording,
    TerminalServer,
    TerminalSession,
    TerminalTicket,
)

CANARY = "canary-7f3a"


def logged_in(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page_url(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def registered(app: str) -> list[type[Model]]:
    return [model for model in site._registry if model._meta.app_label == app]


def queries_of(client: Client, url: str) -> int:
    client.get(url)  # what is read once a process is read now
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get(url)
    assert response.status_code == 200
    return len(captured)


def make_job(project: Project, owner: User, queue: Queue, name: str = "digits", **columns: Any) -> Job:
    """With one row of everything that belongs to a job, and a canary in every secret place."""
    config = {"jobName": name, "image": "python:3.12", "command": ["true"], "envs": [{"name": "TOKEN", "secret": True}]}
    job = Job.objects.create(
        name=name,
        project=project,
        owner=owner,
        pool=queue.pool,
        queue=queue,
        config=config,
        secret_envs=secrets.seal({"TOKEN": CANARY}),
        **columns,
    )
    attempt = Attempt.objects.create(job=job, number=1)
    pod = Pod.objects.create(job=job, attempt=attempt, replica=0, name=f"{job.public_id}-1-0", uid="uid")
    Event.objects.create(job=job, reason="Submitted", params={"user": owner.username}, fingerprint="one")
    AuditEntry.objects.create(actor=owner, actor_name=owner.username, action="job.create", object_id=job.public_id)
    JobTemplate.objects.create(project=project, owner=owner, name=f"{name} {job.pk}", spec=config)
    SavedView.objects.create(user=owner, name=f"view {job.pk}")
    PoolUse.objects.create(
        pool=queue.pool, at=timezone.now(), cpu_millis=0, memory_bytes=0, gpus=0, running=0, waiting=job.pk
    )
    server = TerminalServer.objects.create(id=f"server-{job.pk}", address="http://127.0.0.1:8080")
    session = TerminalSession.objects.create(user=owner, job=job, pod=pod, server=server)
    TerminalRecording.objects.create(
        session=session, project=project, user_name=owner.username, job_public_id=job.public_id, pod_name=pod.name
    )
    TerminalTicket.objects.create(
        digest=f"{CANARY}-{job.pk}",
        user=owner,
        job=job,
        pod=pod,
        pod_uid="uid",
        session_key=CANARY,
        expires_at=timezone.now() + timedelta(minutes=1),
    )
    return job


def make_token(user: User, name: str = "laptop") -> tuple[ApiToken, str]:
    return ApiToken.issue(user=user, name=name)
