"""The line that explains why a job failed."""

from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from jobs.models import Attempt, Job, Queue
from tests.api_client import ApiClient, details, error
from tests.jobs.conftest import submit
from tests.jobs.pod_logs import make_pod, print_lines
from tests.later import settled

CAUSE = (
    b"step 1\nTraceback (most recent call last):\n  File \"train.py\", line 1, in <module>\n"
    b"ValueError: bad shape\nwandb: bye\n"
)  # fmt: skip
TIMEOUT = b"step 1\n[rank0]: ProcessGroupNCCL.cpp Watchdog caught collective operation timeout\n"


@pytest.fixture(autouse=True)
def log_dir(settings: Any, tmp_path: Path) -> None:
    settings.LOG_DIR = tmp_path


@pytest.fixture
def job(bob: User, queue: Queue) -> Job:
    job = submit(bob, replicas=2)
    for replica in range(2):
        make_pod(job, replica=replica, phase="Failed")
    Job.objects.filter(pk=job.pk).update(status="Failed", status_reason="CommandFailed")
    return Job.objects.get(pk=job.pk)


@pytest.fixture
def client(bob: User) -> ApiClient:
    return ApiClient(bob)


def path(job: Job, query: str = "") -> str:
    return f"/api/jobs/{job.public_id}/logs/first-error{query}"


def test_it_is_the_cause_and_not_what_the_other_replica_says_of_it(client: ApiClient, job: Job) -> None:
    print_lines(job, TIMEOUT, replica=0)
    print_lines(job, CAUSE, replica=1)
    data = settled(client.get(path(job)))
    assert data["reason"] == ""
    assert data["firstError"] == {
        "podName": f"{job.public_id}-1-1",
        "attempt": 1,
        "replica": 1,
        "kind": "exception",
        "line": 4,
        "cursor": CAUSE.index(b"ValueError"),
        "time": "2025-01-15T10:30:00.123456789Z",
        "text": "ValueError: bad shape",
        "before": ["step 1", "Traceback (most recent call last):", '  File "train.py", line 1, in <module>'],
        "after": ["wandb: bye"],
    }


def test_without_a_line_that_looks_like_an_error_there_is_none(client: ApiClient, job: Job) -> None:
    print_lines(job, b"step 1\n", replica=0)
    data = settled(client.get(path(job)))
    assert data["firstError"] is None
    assert data["reason"] == "No line at the end of the logs looks like an error."


def test_a_job_that_has_not_failed_has_none(client: ApiClient, job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(status="Succeeded")
    print_lines(job, CAUSE, replica=1)
    assert client.get(path(job)).json()["data"] == {"firstError": None, "reason": "The attempt has not failed."}


def test_an_earlier_attempt_that_failed_has_its_own(client: ApiClient, job: Job) -> None:
    print_lines(job, CAUSE, replica=0)
    Attempt.objects.filter(job=job, number=1).update(end_reason="CommandFailed")
    make_pod(job, attempt=2)
    data = settled(client.get(path(job, "?attempt=1")))
    assert data["firstError"]["podName"] == f"{job.public_id}-1-0"


@pytest.mark.parametrize("query", ["?attempt=9", "?attempt=0", "?attempt=x", "?other=1"])
def test_wrong_parameters_are_named(query: str, client: ApiClient, job: Job) -> None:
    response = client.get(path(job, query))
    assert error(response) == (400, "VALIDATION_ERROR")
    assert list(details(response)) == [query[1:].split("=")[0]]


def test_who_may_not_see_the_job_is_told_that_there_is_none(mallory: User, job: Job) -> None:
    assert error(ApiClient(mallory).get(path(job))) == (404, "JOB_NOT_FOUND")
