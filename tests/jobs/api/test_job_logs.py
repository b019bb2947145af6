"""The logs of a job's replicas as one answer."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from jobs.logs.filesystem import configured_store
from jobs.logs.store import LogKey
from jobs.models import Job, Pod, Queue
from tests.api_client import ApiClient, details, error
from tests.jobs.conftest import submit
from tests.jobs.pod_logs import FIRST_NS, make_pod, print_lines

TIME = "2025-01-15T10:30:00.123456789Z"


@pytest.fixture(autouse=True)
def log_dir(settings: Any, tmp_path: Path) -> None:
    settings.LOG_DIR = tmp_path


@pytest.fixture
def job(bob: User, queue: Queue) -> Job:
    """Of three replicas, the first two of which print."""
    job = submit(bob, replicas=3)
    for replica in range(3):
        make_pod(job, replica=replica)
    print_lines(job, b"nought\nloss 1\n", replica=0)
    print_lines(job, b"one\nloss 2\n", replica=1)
    return Job.objects.get(pk=job.pk)


@pytest.fixture
def client(bob: User) -> ApiClient:
    return ApiClient(bob)


def path(job: Job, query: str = "") -> str:
    return f"/api/jobs/{job.public_id}/logs{query}"


def logs(client: ApiClient, job: Job, query: str = "", **headers: str) -> Any:
    response = client.get(path(job, query), **headers)
    assert response.status_code == 200, response.content
    return response.json()["data"]


def texts(data: Any) -> list[str]:
    return [f"{line['attempt']}/{line['replica']} {line['text']}" for line in data["lines"]]


class TestAnswer:
    def test_it_shows_the_lines_of_every_replica(self, client: ApiClient, job: Job) -> None:
        data = logs(client, job)
        assert list(data) == ["lines", "truncated", "totalBytes", "cursor", "complete"]
        assert data["lines"][0] == {"replica": 0, "attempt": 1, "time": TIME, "text": "nought"}
        assert texts(data) == ["1/0 nought", "1/0 loss 1", "1/1 one", "1/1 loss 2"]
        assert (data["truncated"], data["totalBytes"], data["complete"]) == (False, 25, False)

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("?replica=1", ["1/1 one", "1/1 loss 2"]),
            ("?replica=1-2", ["1/1 one", "1/1 loss 2"]),
            ("?replica=0,2&tailLines=1", ["1/0 loss 1"]),
            ("?tailLines=3", ["1/0 loss 1", "1/1 one", "1/1 loss 2"]),
            ("?tailLines=0", []),
            ("?keyword=loss", ["1/0 loss 1", "1/1 loss 2"]),
            ("?keyword=loss&tailLines=1", ["1/1 loss 2"]),
            ("?limitBytes=1", ["1/0 nought"]),
            ("?sinceTime=2025-01-15T10:30:00.12345679Z", []),
            ("?untilTime=2025-01-15T10:30:00.123456789Z", []),
            ("?attempt=1&replica=1&limitBytes=12", ["1/1 one"]),
            ("?attempt=all&replica=1&tailLines=1", ["1/1 loss 2"]),
        ],
    )
    def test_it_selects(self, client: ApiClient, job: Job, query: str, expected: list[str]) -> None:
        assert texts(logs(client, job, query)) == expected

    def test_a_cursor_goes_on_where_the_answer_ended(self, client: ApiClient, job: Job) -> None:
        cursor = logs(client, job)["cursor"]
        print_lines(job, b"more\n", replica=0, seal=True)
        print_lines(job, b"at last\n", replica=2, seal=True)
        print_lines(job, b"", replica=1, seal=True)
        data = logs(client, job, f"?cursor={cursor}&tailLines=1")
        assert texts(data) == ["1/0 more", "1/2 at last"]
        assert data["complete"] is True

    def test_as_text_each_line_names_its_replica(self, client: ApiClient, job: Job) -> None:
        response = client.get(path(job, "?keyword=loss"), accept="text/plain")
        assert response.content == b"[0] loss 1\n[1] loss 2\n"
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        response = client.get(path(job, f"?cursor={response['X-Log-Cursor']}"), accept="text/plain")
        assert response.content == b""

    def test_as_text_with_times_and_attempts(self, client: ApiClient, job: Job) -> None:
        response = client.get(path(job, "?tailLines=1&timestamps=true&attempt=all"), accept="text/plain")
        assert response.content == f"[1/1] {TIME} loss 2\n".encode()

    def test_a_client_of_json_alone_that_follows_gets_the_address_of_the_stream(
        self, client: ApiClient, job: Job
    ) -> None:
        data = logs(client, job, "?follow=true&replica=0,1&keyword=loss", accept="application/json")
        assert len(data["lines"]) == 2
        assert data["streamUrl"] == (f"ws://testserver{path(job)}?cursor={data['cursor']}&keyword=loss&replica=0%2C1")

    def test_a_large_answer_keeps_its_end_and_says_so(self, client: ApiClient, job: Job, settings: Any) -> None:
        settings.LOG_RESPONSE_MAX_BYTES = 30
        data = logs(client, job)
        assert texts(data) == ["1/1 one", "1/1 loss 2"]
        assert data["truncated"] is True

    def test_a_job_that_has_not_started_has_no_lines(self, client: ApiClient, bob: User, queue: Queue) -> None:
        data = logs(client, submit(bob))
        assert (data["lines"], data["complete"]) == ([], False)

    def test_a_job_that_has_ended_is_complete_without_its_seals(self, client: ApiClient, job: Job) -> None:
        Job.objects.filter(pk=job.pk).update(status="Failed")
        assert logs(client, job)["complete"] is True

    def test_it_costs_few_queries(self, client: ApiClient, job: Job, django_assert_max_num_queries: Any) -> None:
        with django_assert_max_num_queries(6):
            logs(client, job)


class TestAttempts:
    @pytest.fixture
    def retried(self, job: Job) -> Job:
        make_pod(job, attempt=2)
        print_lines(job, b"again\n", attempt=2)
        return job

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", ["2/0 again"]),
            ("?attempt=1&keyword=loss", ["1/0 loss 1", "1/1 loss 2"]),
            ("?attempt=all&tailLines=2", ["1/1 loss 2", "2/0 again"]),
            ("?attempt=all&replica=0", ["1/0 nought", "1/0 loss 1", "2/0 again"]),
        ],
    )
    def test_the_current_one_another_one_or_all(
        self, client: ApiClient, retried: Job, query: str, expected: list[str]
    ) -> None:
        assert texts(logs(client, retried, query)) == expected

    def test_pages_go_on_from_one_to_the_next(self, client: ApiClient, retried: Job) -> None:
        got, query = [], "?attempt=all&limitBytes=30"
        while lines := texts(data := logs(client, retried, query)):
            got += lines
            query = f"?attempt=all&limitBytes=30&cursor={data['cursor']}"
        assert got == ["1/0 nought", "1/0 loss 1", "1/1 one", "1/1 loss 2", "2/0 again"]

    def test_a_cursor_stays_with_its_attempt(self, client: ApiClient, job: Job) -> None:
        cursor = logs(client, job, "?replica=0")["cursor"]
        make_pod(job, attempt=2)
        print_lines(job, b"again\n", attempt=2)
        print_lines(job, b"late\n", replica=0)
        data = logs(client, job, f"?replica=0&cursor={cursor}")
        assert texts(data) == ["1/0 late"]
        assert data["complete"] is True


class TestRefusal:
    @pytest.mark.parametrize(
        ("query", "name"),
        [
            ("?replica=3", "replica"),
            ("?replica=x", "replica"),
            ("?replica=2-1", "replica"),
            ("?replica=", "replica"),
            ("?replica=0-999999", "replica"),
            ("?attempt=0", "attempt"),
            ("?attempt=2", "attempt"),
            ("?cursor=17", "cursor"),
            ("?cursor=AQIF", "attempt"),
            ("?cursor=AQIF&attempt=1", "cursor"),
            ("?tailLines=-1", "tailLines"),
            ("?container=main", "container"),
            ("?follow=true&untilTime=2025-01-15T10:30:00Z", "untilTime"),
            ("?tailLines=1&tailLines=2", "tailLines"),
        ],
    )
    def test_a_wrong_parameter_is_named(self, client: ApiClient, job: Job, query: str, name: str) -> None:
        response = client.get(path(job, query))
        assert response.status_code == 400
        assert list(details(response)) == [name]

    def test_another_projects_job_is_not_there(self, mallory: User, job: Job) -> None:
        assert error(ApiClient(mallory).get(path(job))) == (404, "JOB_NOT_FOUND")

    def test_what_no_agent_has_fetched_is_not_there_yet(self, client: ApiClient, job: Job) -> None:
        job.pool.kind = "kubernetes"
        job.pool.save()
        make_pod(job, attempt=2)
        Pod.objects.filter(attempt__number=2).update(uid="u", phase="Running")
        assert error(client.get(path(job))) == (503, "POOL_UNAVAILABLE")


def test_times_come_before_replicas(client: ApiClient, job: Job) -> None:
    for replica, later in ((0, 5), (1, 3), (2, 4)):
        with closing(configured_store().writer(LogKey(job.public_id, 1, replica))) as writer:
            writer.append(b"later\n", FIRST_NS + later)
    assert [line["replica"] for line in logs(client, job, "?keyword=later")["lines"]] == [1, 2, 0]
