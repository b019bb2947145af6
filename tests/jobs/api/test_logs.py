"""A pod's log as one answer."""

from pathlib import Path
from typing import Any

import pytest
from django.test import RequestFactory

from accounts.models import User
from jobs.api import logs as logs_module
from jobs.models import Job, Pod
from tests.api_client import ApiClient, details, error
from tests.jobs.pod_logs import make_pod, print_lines, print_marker
from tests.later import settled

TEXT = b"epoch 1 loss 0.9\nepoch 2 loss 0.5\nepoch 3 loss 0.1\n"


@pytest.fixture(autouse=True)
def log_dir(settings: Any, tmp_path: Path) -> None:
    settings.LOG_DIR = tmp_path


@pytest.fixture
def pod(job: Job) -> Pod:
    return make_pod(job)


@pytest.fixture
def client(bob: User) -> ApiClient:
    return ApiClient(bob)


def path(job: Job, pod_name: str = "", query: str = "") -> str:
    return f"/api/jobs/{job.public_id}/pods/{pod_name or f'{job.public_id}-1-0'}/logs{query}"


def logs(client: ApiClient, job: Job, query: str = "", **headers: str) -> Any:
    response = client.get(path(job, query=query), **headers)
    assert response.status_code == 200, response.content
    return response.json()["data"]


@pytest.mark.usefixtures("pod")
class TestAnswer:
    def test_it_shows_the_whole_log_first(self, client: ApiClient, job: Job) -> None:
        print_lines(job, TEXT)
        body = client.get(path(job)).json()
        assert list(body) == ["success", "data"]
        assert next(iter(body["data"])) == "logs"
        assert body["data"] == {
            "logs": TEXT.decode(), "truncated": False, "totalBytes": 51, "cursor": 51, "complete": False,
        }  # fmt: skip

    def test_a_pod_that_has_not_written_has_an_empty_log(self, client: ApiClient, job: Job) -> None:
        assert logs(client, job)["logs"] == ""

    def test_a_complete_log_says_so(self, client: ApiClient, job: Job) -> None:
        print_lines(job, TEXT, seal=True)
        assert logs(client, job)["complete"] is True

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("?tailLines=1", "epoch 3 loss 0.1\n"),
            ("?tailLines=0", ""),
            ("?keyword=loss%200.5", "epoch 2 loss 0.5\n"),
            ("?keyword=epoch&tailLines=2", "epoch 2 loss 0.5\nepoch 3 loss 0.1\n"),
            ("?keyword=LOSS", ""),
            ("?limitBytes=7", "epoch 1"),
            ("?tailLines=1&limitBytes=7", "epoch 3"),
            ("?cursor=34", "epoch 3 loss 0.1\n"),
            ("?timestamps=true&tailLines=1", "2025-01-15T10:30:00.123456789Z epoch 3 loss 0.1\n"),
            ("?sinceTime=2025-01-15T10:30:00.123456789Z&tailLines=1", "epoch 3 loss 0.1\n"),
            ("?sinceTime=2025-01-15T10:30:00.12345679Z", ""),
            ("?sinceTime=2025-01-15T18:30:00%2B08:00&tailLines=1", "epoch 3 loss 0.1\n"),
            ("?sinceTime=2025-01-15T18:30:01+08:00", ""),
            ("?untilTime=2025-01-15T10:30:00.123456790Z&tailLines=1", "epoch 3 loss 0.1\n"),
            ("?untilTime=2025-01-15T10:30:00.123456789Z", ""),
            ("?container=main&tailLines=1", "epoch 3 loss 0.1\n"),
            ("?follow=false&tailLines=1", "epoch 3 loss 0.1\n"),
        ],
    )
    def test_it_selects(self, client: ApiClient, job: Job, query: str, expected: str) -> None:
        print_lines(job, TEXT)
        assert logs(client, job, query)["logs"] == expected

    @pytest.mark.parametrize(
        ("query", "expected", "first"),
        [
            ("?line=2", "epoch 2 loss 0.5\n", 2),
            ("?line=2&lines=1", TEXT.decode(), 1),
            ("?line=3&timestamps=true", "2025-01-15T10:30:00.123456789Z epoch 3 loss 0.1\n", 3),
            ("?line=4", "", None),
            ("?lineNumbers=true&tailLines=2", "epoch 2 loss 0.5\nepoch 3 loss 0.1\n", 2),
        ],
    )
    def test_a_line_has_a_link_for_good(
        self, client: ApiClient, job: Job, query: str, expected: str, first: int | None
    ) -> None:
        print_lines(job, TEXT)
        data = logs(client, job, query)
        assert (data["logs"], data.get("firstLine")) == (expected, first)

    def test_numbered_lines_tell_the_platforms_own_from_a_programs(self, client: ApiClient, job: Job) -> None:
        own = b"[platform] Lines may be missing here: the log was rotated.\n"
        print_marker(job, b"one\n[platform] said by the program\nno end", b"\n" + own)
        gap = {
            "line": 4,
            "reason": "missing",
            "message": "Lines may be missing here: the log was rotated.",
            "time": "2025-01-15T10:30:00.123456789Z",
        }
        for query in ("?lineNumbers=true", "?line=4", "?line=3&lines=2", "?lineNumbers=true&tailLines=1"):
            assert logs(client, job, query)["gaps"] == [gap], query
        assert logs(client, job, "?line=2")["gaps"] == []
        assert "gaps" not in logs(client, job)

    def test_what_may_take_long_is_not_done_by_a_requests_thread(
        self, client: ApiClient, job: Job, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(logs_module, "AT_ONCE", 10)
        print_lines(job, TEXT)
        assert settled(client.get(path(job, query="?keyword=0.5")))["logs"] == "epoch 2 loss 0.5\n"

    def test_a_large_log_keeps_its_end_and_says_so(self, client: ApiClient, job: Job, settings: Any) -> None:
        settings.LOG_RESPONSE_MAX_BYTES = 20
        print_lines(job, TEXT)
        data = logs(client, job)
        assert (data["logs"], data["truncated"], data["totalBytes"]) == (TEXT[-20:].decode(), True, 51)

    def test_pods_of_earlier_attempts_stay_readable(self, client: ApiClient, job: Job) -> None:
        print_lines(job, TEXT)
        make_pod(job, attempt=2)
        assert logs(client, job)["logs"] == TEXT.decode()

    def test_a_client_of_json_alone_that_follows_gets_the_address_of_the_stream(
        self, client: ApiClient, job: Job
    ) -> None:
        print_lines(job, TEXT)
        data = logs(client, job, "?follow=true&timestamps=true&keyword=loss", accept="application/json")
        assert data["logs"].count("\n") == 3
        assert data["cursor"] == 51
        assert data["streamUrl"] == f"ws://testserver{path(job)}?cursor=51&timestamps=true&keyword=loss"

    def test_the_address_of_the_stream_is_the_public_one(self, client: ApiClient, job: Job, settings: Any) -> None:
        settings.PUBLIC_URL = "https://jobs.example.com"
        data = logs(client, job, "?follow=true", accept="application/json")
        assert data["streamUrl"] == f"wss://jobs.example.com{path(job)}?cursor=0"

    def test_it_costs_few_queries(self, client: ApiClient, job: Job, django_assert_max_num_queries: Any) -> None:
        print_lines(job, TEXT)
        with django_assert_max_num_queries(4):
            logs(client, job)


@pytest.mark.usefixtures("pod")
class TestRefusal:
    @pytest.mark.parametrize(
        ("query", "name"),
        [
            ("?tailLines=-1", "tailLines"),
            ("?tailLines=ten", "tailLines"),
            ("?tailLines=", "tailLines"),
            ("?tailLines=%D9%A1", "tailLines"),
            ("?tailLines=99999999999999999999", "tailLines"),
            ("?limitBytes=0", "limitBytes"),
            ("?cursor=-5", "cursor"),
            ("?follow=maybe", "follow"),
            ("?timestamps=2", "timestamps"),
            ("?sinceTime=yesterday", "sinceTime"),
            ("?sinceTime=2025-02-30T00:00:00Z", "sinceTime"),
            ("?sinceTime=2025-01-15", "sinceTime"),
            ("?untilTime=tomorrow", "untilTime"),
            ("?untilTime=2025-01-15T10:30:00Z&follow=true", "untilTime"),
            ("?follow=true&maxLagBytes=65535", "maxLagBytes"),
            ("?keyword=", "keyword"),
            ("?keyword=a%0Ab", "keyword"),
            ("?keyword=%00", "keyword"),
            ("?line=0", "line"),
            ("?line=1&tailLines=3", "tailLines"),
            ("?line=1&follow=true", "line"),
            ("?lines=3", "lines"),
            ("?container=sidecar", "container"),
            ("?tail=5", "tail"),
            ("?tailLines=1&tailLines=2", "tailLines"),
        ],
    )
    def test_a_wrong_parameter_is_named(self, client: ApiClient, job: Job, query: str, name: str) -> None:
        assert list(details(client.get(path(job, query=query)))) == [name]

    def test_a_wrong_last_event_id_is_named(self, client: ApiClient, job: Job) -> None:
        assert list(details(client.get(path(job), last_event_id="x"))) == ["Last-Event-ID"]

    def test_every_wrong_parameter_is_named_at_once(self, client: ApiClient, job: Job) -> None:
        assert set(details(client.get(path(job, query="?tailLines=x&cursor=y&z=1")))) == {"tailLines", "cursor", "z"}

    def test_nobody_reads_without_credentials(self, job: Job) -> None:
        assert error(ApiClient().get(path(job))) == (401, "NOT_AUTHENTICATED")

    def test_a_job_of_a_foreign_project_is_not_there(self, job: Job, mallory: User) -> None:
        print_lines(job, TEXT)
        assert error(ApiClient(mallory).get(path(job))) == (404, "JOB_NOT_FOUND")

    def test_a_viewer_reads(self, job: Job, charlie: User) -> None:
        print_lines(job, TEXT)
        assert logs(ApiClient(charlie), job)["logs"] == TEXT.decode()

    @pytest.mark.parametrize("name", ["nope", "job-0000000000000000-1-0", "..", "%00", "{id}-1-1", "{id}-01-0"])
    def test_a_pod_that_is_not_the_jobs_is_not_there(self, client: ApiClient, job: Job, name: str) -> None:
        assert error(client.get(path(job, name.format(id=job.public_id)))) == (404, "POD_NOT_FOUND")

    def test_a_deleted_job_has_no_log(self, client: ApiClient, job: Job) -> None:
        print_lines(job, TEXT)
        client.delete(f"/api/jobs/{job.public_id}")
        assert error(client.get(path(job))) == (404, "JOB_NOT_FOUND")


class TestAPodThatIsExpected:
    """A follower may come right after the create."""

    def followed(self, client: ApiClient, job: Job, name: str) -> Any:
        return client.get(path(job, f"{job.public_id}-{name}", "?follow=true"), accept="application/json")

    @pytest.mark.parametrize("name", ["1-0"])
    def test_the_first_attempts_pod_is_waited_for(self, client: ApiClient, job: Job, name: str) -> None:
        assert self.followed(client, job, name).json()["data"]["logs"] == ""

    @pytest.mark.parametrize("name", ["2-0", "1-1", "99-0"])
    def test_a_pod_that_will_not_come_next_is_not_there(self, client: ApiClient, job: Job, name: str) -> None:
        assert error(self.followed(client, job, name)) == (404, "POD_NOT_FOUND")

    def test_the_next_attempts_pod_is_waited_for(self, client: ApiClient, job: Job, pod: Pod) -> None:
        assert self.followed(client, job, "2-0").status_code == 200

    def test_only_a_follower_waits(self, client: ApiClient, job: Job) -> None:
        assert error(client.get(path(job))) == (404, "POD_NOT_FOUND")

    def test_a_job_that_has_ended_gets_no_more_pods(self, client: ApiClient, job: Job) -> None:
        Job.objects.filter(pk=job.pk).update(status="Stopped")
        assert error(self.followed(client, job, "1-0")) == (404, "POD_NOT_FOUND")


def test_media_types_are_read_without_their_parameters() -> None:
    from jobs.api.logs import media_types

    request = RequestFactory().get("/", headers={"accept": "Application/JSON;q=0.9, text/plain"})
    assert media_types(request.headers["Accept"]) == {"application/json", "text/plain"}
