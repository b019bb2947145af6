from datetime import UTC, datetime, timedelta

import pytest

from jobs.models import Attempt, Job, Pod
from tests.api_client import ApiClient, error
from tests.jobs.conftest import submit

pytestmark = pytest.mark.django_db
START = datetime(2025, 1, 15, 10, 30, 0, 999_000, tzinfo=UTC)


def test_it_answers_as_the_contract_shows(api, job):
    body = api.get(f"/api/jobs/{job.public_id}").json()
    assert list(body) == ["success", "data"]
    assert list(body["data"])[:5] == ["jobId", "jobName", "status", "config", "createdAt"]
    assert body["data"]["status"] == "Pending"
    assert body["data"]["config"]["command"] == ["python", "train.py"]


def test_the_status_has_a_reason_and_a_sentence_in_the_readers_language(api, job):
    Job.objects.filter(pk=job.pk).update(
        status="Failed", status_reason="CommandFailed", status_params={"exitCode": 3, "pod": "p-0"}
    )
    data = api.get(f"/api/jobs/{job.public_id}").json()["data"]
    assert data["statusReason"] == "CommandFailed"
    assert "exit code 3 in pod p-0" in data["statusMessage"]


def test_a_failure_is_explained_in_parts(api, job):
    params = {"variant": "notFound", "image": "nginx:nope", "detail": "nginx:nope: not found"}
    Job.objects.filter(pk=job.pk).update(status="Failed", status_reason="ImageUnavailable", status_params=params)
    assert api.get(f"/api/jobs/{job.public_id}").json()["data"]["diagnosis"] == {
        "category": "image",
        "summary": "The image does not exist in its registry.",
        "detail": "The image is nginx:nope. The cluster's own words: “nginx:nope: not found”.",
        "remedy": "Check the image's name and tag.",
    }


def test_a_waiting_job_is_explained_and_a_running_one_needs_none(api, job):
    assert api.get(f"/api/jobs/{job.public_id}").json()["data"]["diagnosis"]["category"] == "queue"
    Job.objects.filter(pk=job.pk).update(status="Running", status_reason="Running", status_params={"pods": 1})
    assert api.get(f"/api/jobs/{job.public_id}").json()["data"]["diagnosis"] is None


def test_times_are_utc_in_whole_seconds_and_durations_are_numbers(api, job):
    Job.objects.filter(pk=job.pk).update(
        created_at=START, queued_at=START, started_at=START, finished_at=START + timedelta(seconds=12.345),
        observed_at=START,
    )  # fmt: skip
    data = api.get(f"/api/jobs/{job.public_id}").json()["data"]
    assert data["createdAt"] == data["queuedAt"] == data["startedAt"] == data["observedAt"] == "2025-01-15T10:30:00Z"
    assert data["finishedAt"] == "2025-01-15T10:30:13Z"
    assert data["durationSeconds"] == 12.345


def test_a_running_job_has_run_for_so_long(api, job):
    Job.objects.filter(pk=job.pk).update(started_at=datetime.now(UTC) - timedelta(seconds=100))
    assert 100 <= api.get(f"/api/jobs/{job.public_id}").json()["data"]["durationSeconds"] < 160


def test_it_lists_the_pods_of_every_attempt(api, job):
    for number in (1, 2):
        attempt = Attempt.objects.create(job=job, number=number)
        for replica in (1, 0):
            name = f"{job.public_id}-{number}-{replica}"
            Pod.objects.create(job=job, attempt=attempt, replica=replica, name=name, ready=replica == 0)
    Job.objects.filter(pk=job.pk).update(attempt_number=2, replicas=2)
    data = api.get(f"/api/jobs/{job.public_id}").json()["data"]
    assert [pod["podName"][-3:] for pod in data["pods"]] == ["1-0", "1-1", "2-0", "2-1"]
    assert (data["readyPods"], data["totalPods"]) == (1, 2)
    assert api.get(f"/api/jobs/{job.public_id}/pods").json()["data"]["pods"] == data["pods"]


def test_a_pod_is_shown_whole(api, job):
    attempt = Attempt.objects.create(job=job, number=1)
    Pod.objects.create(
        job=job, attempt=attempt, replica=0, name=f"{job.public_id}-1-0", phase="Failed", exit_code=137,
        reason="OOMKilled", message="used 2 GiB", node="n1", started_at=START, finished_at=START,
    )  # fmt: skip
    assert api.get(f"/api/jobs/{job.public_id}/pods/").json()["data"]["pods"] == [
        {
            "podName": f"{job.public_id}-1-0",
            "attempt": 1,
            "replica": 0,
            "phase": "Failed",
            "ready": False,
            "node": "n1",
            "exitCode": 137,
            "reason": "OOMKilled",
            "message": "used 2 GiB",
            "startedAt": "2025-01-15T10:30:00Z",
            "finishedAt": "2025-01-15T10:30:00Z",
            "observedAt": None,
        }
    ]


def test_the_api_says_that_a_local_pool_pulls_no_image(api, job):
    assert api.get(f"/api/jobs/{job.public_id}").json()["data"]["pullsImage"] is False


@pytest.mark.parametrize(
    "job_id",
    ["job-0000000000000000", "x", "%00", "job-%F0%9F%98%80", "create", "..", "job-" + "0" * 17, "1", "%2e%2e"],
)
def test_what_is_not_there_is_404(api, job_id):
    code = "METHOD_NOT_ALLOWED" if job_id == "create" else "JOB_NOT_FOUND"
    assert error(api.get(f"/api/jobs/{job_id}"))[1] == code


def test_everyone_in_the_project_may_look(alice, bob, charlie, job):
    for user in (alice, bob, charlie):
        assert ApiClient(user).get(f"/api/jobs/{job.public_id}").status_code == 200


def test_it_costs_four_queries_however_many_pods(api, bob, queue, django_assert_num_queries):
    """User, projects, job with all it belongs to, pods with their attempts."""
    job = submit(bob)
    attempt = Attempt.objects.create(job=job, number=1)
    for replica in range(5):
        Pod.objects.create(job=job, attempt=attempt, replica=replica, name=str(replica))
    for path in ("", "/pods"):
        with django_assert_num_queries(4):
            assert api.get(f"/api/jobs/{job.public_id}{path}").status_code == 200
