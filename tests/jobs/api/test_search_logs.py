"""Searching a pod's log."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from accounts import logins
from accounts.models import User
from jobs.api import log_search
from jobs.logs import blocks
from jobs.models import Job, Pod
from jobs_platform.handler import PlatformHandler
from tests.api_client import ApiClient, details, error
from tests.jobs.pod_logs import make_pod, print_lines
from tests.later import settled

TEXT = b"".join(b"epoch %d loss 0.%d\n" % (number, 9 - number) for number in range(1, 10))


@pytest.fixture(autouse=True)
def log_dir(settings: Any, tmp_path: Path) -> None:
    settings.LOG_DIR = tmp_path


@pytest.fixture(autouse=True)
def pod(job: Job) -> Pod:
    return make_pod(job)


@pytest.fixture
def client(bob: User) -> ApiClient:
    return ApiClient(bob)


def path(job: Job, query: str) -> str:
    return f"/api/jobs/{job.public_id}/pods/{job.public_id}-1-0/logs/search?{query}"


def search(client: ApiClient, job: Job, query: str) -> Any:
    return settled(client.get(path(job, query)))


def lines(data: Any) -> list[int]:
    return [match["line"] for match in data["matches"]]


class TestAnswer:
    def test_it_shows_matches_with_all_that_leads_to_them(self, client: ApiClient, job: Job) -> None:
        print_lines(job, TEXT)
        assert search(client, job, "keyword=loss%200.5&contextLines=1") == {
            "matches": [
                {
                    "line": 4,
                    "cursor": 51,
                    "time": "2025-01-15T10:30:00.123456789Z",
                    "text": "epoch 4 loss 0.5",
                    "before": ["epoch 3 loss 0.6"],
                    "after": ["epoch 5 loss 0.4"],
                }
            ],
            "total": 1,
            "totalIsExact": True,
            "finished": True,
            "cursor": "n-0-0-1-0",
            "totalBytes": len(TEXT),
        }

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("keyword=epoch&limit=3", [9, 8, 7]),
            ("keyword=epoch&limit=3&order=oldest", [1, 2, 3]),
            ("keyword=EPOCH", []),
            ("keyword=EPOCH%205&ignoreCase=true", [5]),
            ("keyword=epoch&cursor=34&order=oldest&limit=2", [3, 4]),
            ("keyword=epoch&cursor=33&order=oldest&limit=2", [3, 4]),
            ("keyword=epoch&cursor=34", [2, 1]),
            ("keyword=epoch&cursor=35", [2, 1]),
            ("keyword=epoch&limit=0", []),
            ("keyword=epoch&sinceTime=2025-01-15T10:30:00.12345679Z", []),
            ("keyword=epoch&untilTime=2025-01-15T10:30:00Z", []),
            ("keyword=epoch&untilTime=2025-01-15T10:30:00Z&order=oldest", []),
            ("keyword=epoch&sinceTime=2025-01-15T10:30:00Z&untilTime=2025-01-15T10:31:00Z&limit=1", [9]),
        ],
    )
    def test_it_lists(self, client: ApiClient, job: Job, query: str, expected: list[int]) -> None:
        print_lines(job, TEXT)
        assert lines(search(client, job, query)) == expected

    def test_the_total_is_there_before_all_are_listed(self, client: ApiClient, job: Job) -> None:
        print_lines(job, TEXT)
        data = search(client, job, "keyword=epoch&limit=2")
        assert (data["total"], data["totalIsExact"], data["finished"]) == (9, True, False)

    @pytest.mark.parametrize("order", ["newest", "oldest"])
    def test_a_cursor_goes_on(self, client: ApiClient, job: Job, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(log_search, "SECONDS", 0.0)
        monkeypatch.setattr(blocks, "BLOCK", 20)
        print_lines(job, TEXT)
        data = search(client, job, f"keyword=epoch&limit=2&order={order}")
        found = lines(data)
        while not data["finished"]:
            data = search(client, job, f"keyword=epoch&limit=2&cursor={data['cursor']}")
            found += lines(data)
        assert found == (list(range(9, 0, -1)) if order == "newest" else list(range(1, 10)))
        assert data["total"] == 9

    def test_a_pod_that_has_not_written_has_no_matches(self, client: ApiClient, job: Job) -> None:
        data = search(client, job, "keyword=epoch")
        assert (data["matches"], data["total"], data["finished"]) == ([], 0, True)

    def test_it_costs_few_queries(self, client: ApiClient, job: Job, django_assert_max_num_queries: Any) -> None:
        print_lines(job, TEXT)
        with django_assert_max_num_queries(4):
            search(client, job, "keyword=epoch")


class TestRefusal:
    @pytest.mark.parametrize(
        ("query", "name"),
        [
            ("", "keyword"),
            ("keyword=", "keyword"),
            ("keyword=a&limit=1001", "limit"),
            ("keyword=a&limit=-1", "limit"),
            ("keyword=a&contextLines=51", "contextLines"),
            ("keyword=a&order=first", "order"),
            ("keyword=a&cursor=x", "cursor"),
            ("keyword=a&cursor=n-1-2-3", "cursor"),
            ("keyword=a&cursor=n-9999999999999999999-0-0-0", "cursor"),
            ("keyword=a&cursor=n-1-1-0-0&order=oldest", "order"),
            ("keyword=a&ignoreCase=maybe", "ignoreCase"),
            ("keyword=a&tailLines=3", "tailLines"),
        ],
    )
    def test_a_wrong_parameter_is_named(self, client: ApiClient, job: Job, query: str, name: str) -> None:
        assert list(details(client.get(path(job, query)))) == [name]

    @pytest.mark.parametrize("cursor", ["n-0-99-0-500", "n-500-400-0-0", "o-500-1-7-", "o-9-3-1-2", "99999"])
    def test_a_cursor_that_was_made_up_ends_the_search(self, client: ApiClient, job: Job, cursor: str) -> None:
        print_lines(job, TEXT)
        assert search(client, job, f"keyword=zebra&cursor={cursor}")["finished"] is True

    def test_nobody_searches_without_credentials(self, job: Job) -> None:
        assert error(ApiClient().get(path(job, "keyword=a"))) == (401, "NOT_AUTHENTICATED")

    def test_a_job_of_a_foreign_project_is_not_there(self, job: Job, mallory: User) -> None:
        assert error(ApiClient(mallory).get(path(job, "keyword=a"))) == (404, "JOB_NOT_FOUND")

    def test_a_pod_that_is_not_the_jobs_is_not_there(self, client: ApiClient, job: Job) -> None:
        assert error(client.get(path(job, "keyword=a").replace("-1-0/", "-1-1/"))) == (404, "POD_NOT_FOUND")


@pytest.mark.django_db(transaction=True)
class TestOverTheHandler:
    """The work is done before anything is sent."""

    async def answer(self, job: Job, bob: User) -> tuple[int, dict[str, str], bytes]:
        token = (await asyncio.to_thread(logins.begin, bob)).access
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path(job, "").rstrip("?"), "raw_path": b"", "query_string": b"keyword=epoch&limit=1",
            "headers": [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {token}".encode())],
        }  # fmt: skip
        exchange = ApplicationCommunicator(PlatformHandler(), scope)
        await exchange.send_input({"type": "http.request", "body": b"", "more_body": False})
        start = await exchange.receive_output(20)
        part = await exchange.receive_output(20)
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return start["status"], headers, part["body"]

    async def test_it_has_a_length(self, job: Job, bob: User) -> None:
        await asyncio.to_thread(print_lines, job, TEXT)
        status, headers, body = await self.answer(job, bob)
        assert (status, headers["content-length"], headers["content-type"]) == (200, str(len(body)), "application/json")

    async def test_a_failure_of_the_work_is_the_answers_status(
        self, job: Job, bob: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(log_search, "search", fail)
        status, headers, body = await self.answer(job, bob)
        assert (status, headers["content-length"]) == (500, str(len(body)))
        assert b'"code":"INTERNAL_ERROR"' in body


def fail(*_given: Any) -> None:
    raise OSError("the disk is gone")
