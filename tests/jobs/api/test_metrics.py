"""Time series and progress read out of what a job prints."""

from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from jobs.models import Job
from tests.api_client import ApiClient, details, error
from tests.jobs.pod_logs import FIRST_NS, make_pod, print_lines

SECOND = FIRST_NS // 10**6 / 1000


@pytest.fixture(autouse=True)
def log_dir(settings: Any, tmp_path: Path) -> Path:
    settings.LOG_DIR = tmp_path
    return tmp_path


@pytest.fixture
def client(bob: User) -> ApiClient:
    return ApiClient(bob)


def metrics(client: ApiClient, job: Job, query: str = "") -> Any:
    response = client.get(f"/api/jobs/{job.public_id}/metrics{query}")
    assert response.status_code == 200, response.content
    return response.json()["data"]


def test_lines_become_series_and_progress(client: ApiClient, job: Job) -> None:
    make_pod(job)
    print_lines(job, b"step 1/4 loss=0.5\nhello\nstep 2/4 loss=nan\n")
    found = metrics(client, job)
    point = {"step": 1, "epoch": None, "time": SECOND, "value": 0.5, "min": 0.5, "max": 0.5, "count": 1}
    assert found == {
        "series": [
            {
                "name": "loss",
                "points": [point],
                "last": 0.5,
                "nonFinite": {"count": 1, "firstStep": 2, "firstTime": SECOND},
            }
        ],
        "progress": {
            "fraction": 0.5, "time": SECOND, "step": 2, "totalSteps": 4, "epoch": None, "totalEpochs": None,
            "stepsPerSecond": None, "remainingSeconds": None,
        },
        "podName": f"{job.public_id}-1-0",
        "attempt": 1,
        "replica": 0,
        "complete": True,
        "leftOut": 0,
    }  # fmt: skip


def test_what_comes_later_is_added(client: ApiClient, job: Job) -> None:
    make_pod(job)
    for step in (1, 2, 3):
        print_lines(job, b"step=%d loss=0.5\n" % step)
        assert len(metrics(client, job)["series"][0]["points"]) == step


def test_a_lost_or_broken_state_is_made_anew(client: ApiClient, job: Job, log_dir: Path) -> None:
    make_pod(job)
    print_lines(job, b"step=1 loss=0.5\n")
    before = metrics(client, job)
    (kept,) = log_dir.rglob("*.metrics")
    kept.write_bytes(b"\x00broken")
    assert metrics(client, job) == before
    kept.unlink()
    assert metrics(client, job) == before


def test_another_replica_and_attempt_may_be_asked_for(client: ApiClient, job: Job) -> None:
    for attempt in (1, 2):
        make_pod(job, attempt=attempt)
        print_lines(job, b"step=%d loss=0.5\n" % attempt, attempt=attempt)
    assert metrics(client, job)["series"][0]["points"][0]["step"] == 2
    assert metrics(client, job, "?attempt=1")["series"][0]["points"][0]["step"] == 1
    assert error(client.get(f"/api/jobs/{job.public_id}/metrics?replica=7")) == (404, "POD_NOT_FOUND")
    assert error(client.get(f"/api/jobs/{job.public_id}/metrics?attempt=9999999999")) == (404, "POD_NOT_FOUND")


def test_a_job_that_has_not_started_has_no_series(client: ApiClient, job: Job) -> None:
    found = metrics(client, job)
    assert (found["series"], found["progress"], found["podName"]) == ([], None, None)


@pytest.mark.parametrize("query", ["?attempt=0", "?replica=-1", "?replica=x", "?steps=3", "?replica=0&replica=1"])
def test_a_bad_parameter_is_named(client: ApiClient, job: Job, query: str) -> None:
    response = client.get(f"/api/jobs/{job.public_id}/metrics{query}")
    assert response.status_code == 400
    assert list(details(response)) == [query[1:].partition("=")[0]]


def test_a_foreign_job_is_not_found(mallory: User, job: Job) -> None:
    assert error(ApiClient(mallory).get(f"/api/jobs/{job.public_id}/metrics")) == (404, "JOB_NOT_FOUND")
