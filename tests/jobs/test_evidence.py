"""The end of the log of the pod that a job failed in."""

from pathlib import Path
from typing import Any

import pytest

from jobs.evidence import TAIL_BYTES, explanation_of
from jobs.models import Job
from tests.api_client import ApiClient
from tests.jobs.pod_logs import print_lines

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def log_dir(settings: Any, tmp_path: Path) -> None:
    settings.LOG_DIR = tmp_path


@pytest.fixture
def failed(job: Job) -> Job:
    job.status, job.status_reason = "Failed", "CommandFailed"
    job.status_params = {"pod": f"{job.public_id}-1-0", "exitCode": 1, "detail": ""}
    job.save(update_fields=["status", "status_reason", "status_params"])
    return job


def test_a_crash_is_told_with_the_last_lines_of_its_log(bob: Any, failed: Job) -> None:
    print_lines(failed, b"epoch 1\n" + b"x" * TAIL_BYTES + b"\nTraceback:\n\nRuntimeError: \x1b[31mboom\x1b[0m\n")
    data = ApiClient(bob).get(f"/api/jobs/{failed.public_id}").json()["data"]
    assert data["diagnosis"]["detail"].endswith("⏎ Traceback: ⏎ RuntimeError: boom”.")
    assert data["diagnosis"]["detail"] in data["statusMessage"]
    assert "epoch 1" not in data["statusMessage"]


def test_a_job_without_a_log_is_told_without_one(failed: Job) -> None:
    assert explanation_of(failed).detail == ""


def test_bytes_that_are_no_text_do_no_harm(failed: Job) -> None:
    print_lines(failed, b"\xff\x00\xfe end\n")
    assert "end" in explanation_of(failed).detail


@pytest.mark.parametrize("pod", ["../../etc/passwd", "job-0000000000000000-1-0", "", None, 7])
def test_only_a_pod_of_the_job_is_looked_for(failed: Job, pod: object) -> None:
    print_lines(failed, b"boom\n")
    failed.status_params = {"pod": pod}
    assert "boom" not in explanation_of(failed).text


@pytest.mark.parametrize(("status", "reason"), [("Failed", "NodeLost"), ("Running", "Running"), ("Failed", "Unheard")])
def test_where_the_log_is_no_evidence_it_is_left_out(failed: Job, status: str, reason: str) -> None:
    print_lines(failed, b"boom\n")
    failed.status, failed.status_reason = status, reason
    assert "boom" not in explanation_of(failed).text
