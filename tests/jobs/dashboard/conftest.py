"""Browsers of the cast, and jobs to look at."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from jobs.events import platform_event
from jobs.models import Attempt, Job, Pod, Queue
from jobs.services import Origin, submit

MakeJob = Callable[..., Job]
Browse = Callable[..., Client]


@pytest.fixture
def browse() -> Browse:
    """A logged-in browser of a user's, in a language."""

    def make(user: User, language: str = "en") -> Client:
        client = Client(headers={"accept-language": language})
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def make_job(queue: Queue) -> MakeJob:
    def make(
        owner: User, name: str = "a job", *, pods: int = 0, config: dict[str, Any] | None = None, **columns: Any
    ) -> Job:
        body = {
            "jobName": name,
            "image": "registry/image:tag",
            "command": ["true"],
            "priority": "normal",
            "replicas": max(1, pods),
        }
        job = submit(actor=owner, config={**body, **(config or {})}, secrets={}, origin=Origin()).job
        if pods:
            columns.setdefault("attempt_number", 1)
            add_pods(job, pods, phase="Running" if columns.get("status") == "Running" else "Failed")
        Job.objects.filter(pk=job.pk).update(**columns)
        job.refresh_from_db()
        return job

    return make


def add_pods(job: Job, count: int, *, phase: str) -> None:
    attempt = Attempt.objects.create(job=job, number=1)
    for replica in range(count):
        Pod.objects.create(
            job=job,
            attempt=attempt,
            replica=replica,
            name=f"{job.public_id}-1-{replica}",
            phase=phase,
            ready=phase == "Running",
            exit_code=3 if phase == "Failed" else None,
            observed_at=timezone.now(),
        )


@pytest.fixture
def running(bob: User, make_job: MakeJob) -> Job:
    now = timezone.now()
    job = make_job(
        bob,
        "running job",
        pods=2,
        status="Running",
        status_reason="Running",
        observed_at=now,
        started_at=now - timedelta(hours=3),
    )
    platform_event(job_pk=job.pk, reason="Running", params={"pods": 2}, at=now).save()
    return job
