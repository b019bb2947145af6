"""A pool elsewhere with a job of two replicas whose first attempt runs."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from jobs.cluster.base import PodPhase, PodReason, PodRef, PodSnapshot
from jobs.models import Attempt, Job, Pod, Queue, ResourcePool
from tests.jobs.conftest import submit

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def pool(db: None) -> ResourcePool:
    return ResourcePool.objects.create(name="gpu", kind=ResourcePool.KUBERNETES, is_default=True)


@pytest.fixture
def running(bob: User, queue: Queue) -> Job:
    job = submit(bob, replicas=2)
    attempt = Attempt.objects.create(job=job, number=1, launched_at=timezone.now())
    for replica in range(2):
        Pod.objects.create(
            job=job,
            attempt=attempt,
            replica=replica,
            name=f"{job.public_id}-1-{replica}",
            uid=f"uid-{replica}",
            phase="Running",
            started_at=START,
        )
    job.status, job.attempt_number, job.next_check_at = "Running", 1, None
    job.save(update_fields=["status", "attempt_number", "next_check_at"])
    return job


def pod(job: Job, replica: int = 0, phase: PodPhase = PodPhase.RUNNING, *, uid: str = "", **more: Any) -> PodSnapshot:
    ref = PodRef(job.public_id, 1, replica, uid or f"uid-{replica}")
    return PodSnapshot(ref, phase, started_at=START, **more)


def failed(job: Job, replica: int = 0, *, code: int = 3, **more: Any) -> PodSnapshot:
    return pod(job, replica, PodPhase.FAILED, exit_code=code, reason=PodReason.ERROR, finished_at=START, **more)
