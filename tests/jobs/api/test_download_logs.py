"""A pod's whole log as a file."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from accounts.models import User
from jobs.api import log_download
from jobs.api.log_streams import AccessEnded
from jobs.logs.store import LogKey
from jobs.models import Job, Pod
from tests.api_client import ApiClient, details, error
from tests.jobs.pod_logs import make_pod, print_lines

TEXT = "".join(f"epoch {number} 损失\n" for number in range(500)).encode() + b"\xff\x00 no text\n"


@pytest.fixture(autouse=True)
def small(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LOG_DIR = tmp_path
    monkeypatch.setattr(log_download, "PIECE", 1000)


@pytest.fixture(autouse=True)
def pod(job: Job) -> Pod:
    return make_pod(job)


@pytest.fixture
def client(bob: User) -> ApiClient:
    return ApiClient(bob)


def path(job: Job, query: str = "") -> str:
    return f"/api/jobs/{job.public_id}/pods/{job.public_id}-1-0/logs/download{query}"


def body(response: Any) -> bytes:
    async def read() -> bytes:
        return b"".join([part async for part in response])

    return async_to_sync(read)()


# Streams ask the database in threads of their own.
@pytest.mark.django_db(transaction=True)
class TestText:
    def test_it_is_the_log_byte_for_byte(self, client: ApiClient, job: Job) -> None:
        print_lines(job, TEXT)
        response = client.get(path(job))
        assert response.status_code == 200
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        assert response["Content-Disposition"] == f'attachment; filename="{job.public_id}-1-0.log"'
        assert response["Content-Length"] == str(len(TEXT))
        assert response["Accept-Ranges"] == "bytes"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert body(response) == TEXT

    def test_a_pod_that_has_not_written_has_an_empty_one(self, client: ApiClient, job: Job) -> None:
        response = client.get(path(job))
        assert (response.status_code, response["Content-Length"], body(response)) == (200, "0", b"")

    @pytest.mark.parametrize(
        ("given", "start", "end"), [("10-4999", 10, 5000), ("5000-", 5000, None), ("-7", -7, None)]
    )
    def test_a_part_is_just_that_part(
        self, client: ApiClient, job: Job, given: str, start: int, end: int | None
    ) -> None:
        print_lines(job, TEXT)
        response = client.get(path(job), range=f"bytes={given}")
        wanted = TEXT[start:end]
        first = TEXT.index(wanted)
        assert response.status_code == 206
        assert response["Content-Range"] == f"bytes {first}-{first + len(wanted) - 1}/{len(TEXT)}"
        assert response["Content-Length"] == str(len(wanted))
        assert body(response) == wanted

    def test_a_part_that_is_not_there_is_refused_with_the_size(self, client: ApiClient, job: Job) -> None:
        print_lines(job, TEXT)
        response = client.get(path(job), range=f"bytes={len(TEXT)}-")
        assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{len(TEXT)}")

    def test_a_download_goes_on_when_the_log_has_grown(self, client: ApiClient, job: Job) -> None:
        print_lines(job, TEXT)
        before = client.get(path(job))
        print_lines(job, b"more\n")
        response = client.get(path(job), range="bytes=5000-", if_range=before["ETag"])
        assert response.status_code == 206
        assert TEXT[:5000] + body(response) == TEXT + b"more\n"
        assert before["ETag"] != response["ETag"]

    @pytest.mark.parametrize("tag", ['"other-1"', 'W/"x-1"', '"', "Wed, 15 Jan 2025 10:30:00 GMT", '"-"'])
    def test_another_logs_part_does_not_go_on(self, client: ApiClient, job: Job, tag: str) -> None:
        print_lines(job, TEXT)
        response = client.get(path(job), range="bytes=5000-", if_range=tag)
        assert (response.status_code, body(response)) == (200, TEXT)

    def test_a_tag_of_a_longer_log_does_not_go_on(self, client: ApiClient, job: Job) -> None:
        print_lines(job, TEXT)
        tag = log_download.tag_of(LogKey(job.public_id, 1, 0), len(TEXT) + 1)
        assert client.get(path(job), range="bytes=5000-", if_range=tag).status_code == 200

    def test_what_the_client_has_is_not_sent_again(self, client: ApiClient, job: Job) -> None:
        print_lines(job, TEXT)
        tag = client.get(path(job))["ETag"]
        response = client.get(path(job), if_none_match=f'"x", {tag}')
        assert (response.status_code, response.content) == (304, b"")

    def test_its_head_has_no_body(self, client: ApiClient, job: Job) -> None:
        print_lines(job, TEXT)
        response = client.call("HEAD", path(job))
        assert (response.status_code, response["Content-Length"], response.content) == (200, str(len(TEXT)), b"")


@pytest.mark.django_db(transaction=True)
class TestPacked:
    def test_it_unpacks_to_the_log(self, client: ApiClient, job: Job) -> None:
        print_lines(job, TEXT)
        response = client.get(path(job, "?format=gz"), range="bytes=10-")
        assert response.status_code == 200
        assert response["Content-Type"] == "application/gzip"
        assert response["Content-Disposition"] == f'attachment; filename="{job.public_id}-1-0.log.gz"'
        assert response["Accept-Ranges"] == "none"
        assert not response.has_header("Content-Length")
        assert gzip.decompress(body(response)) == TEXT

    def test_an_empty_log_is_a_file_too(self, client: ApiClient, job: Job) -> None:
        assert gzip.decompress(body(client.get(path(job, "?format=gz")))) == b""


@pytest.mark.django_db(transaction=True)
class TestRefusal:
    def test_who_is_disabled_meanwhile_is_cut_off(self, client: ApiClient, job: Job, bob: User, settings: Any) -> None:
        settings.AUTHORITY_CHECK_SECONDS = 0
        print_lines(job, TEXT)
        response = client.get(path(job))
        User.objects.filter(pk=bob.pk).update(is_active=False)
        with pytest.raises(AccessEnded):
            body(response)

    def test_a_log_that_was_cut_back_meanwhile_is_not_taken_for_whole(
        self, client: ApiClient, job: Job, tmp_path: Path
    ) -> None:
        print_lines(job, TEXT)
        response = client.get(path(job))
        for file in tmp_path.rglob("*.log"):
            file.write_bytes(TEXT[:10])
        with pytest.raises(log_download.LogShortened):
            body(response)

    @pytest.mark.parametrize(("query", "name"), [("?format=zip", "format"), ("?tailLines=1", "tailLines")])
    def test_a_wrong_parameter_is_named(self, client: ApiClient, job: Job, query: str, name: str) -> None:
        assert list(details(client.get(path(job, query)))) == [name]

    def test_nobody_downloads_without_credentials(self, job: Job) -> None:
        assert error(ApiClient().get(path(job))) == (401, "NOT_AUTHENTICATED")

    def test_a_job_of_a_foreign_project_is_not_there(self, job: Job, mallory: User) -> None:
        assert error(ApiClient(mallory).get(path(job))) == (404, "JOB_NOT_FOUND")
