"""A pod's log that is in the bucket alone: read over HTTP and as a WebSocket, and what is said when it cannot be."""

import random
import time
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from accounts import logins
from accounts.models import User
from jobs.api import log_target
from jobs.exceptions import LogsAway
from jobs.identifiers import pod_name
from jobs.logs import follow, notify, packing, worklist
from jobs.logs.format import pod_dir
from jobs.logs.objects import keeping
from jobs.logs.objects.bucket import Bucket
from jobs.models import Job, Pod
from jobs_platform.object_storage import ObjectStorage
from tests.api_client import ApiClient, error
from tests.jobs.api.test_log_streams import SECONDS, Reader
from tests.jobs.consumers.test_logs import Visitor
from tests.jobs.pod_logs import make_pod, print_lines
from tests.later import settled
from tests.object_storage import away, bucket, configured, s3_server, where

__all__ = ["away", "bucket", "configured", "s3_server", "where"]
pytestmark = pytest.mark.django_db(transaction=True)

SEGMENT = 256 << 10
CHANCE = random.Random(20251124)
PARTS = [b"".join(b"loss %s\n" % CHANCE.randbytes(40).hex().encode() for _ in range(3300)) for _ in range(3)]
LOG = b"".join(PARTS)


@pytest.fixture(autouse=True)
def stored(job: Job, configured: ObjectStorage, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The log's directory: three segments and the index were in it."""
    settings.LOG_DIR, settings.LOG_SEGMENT_BYTES, settings.LOG_LOCAL_KEEP_SECONDS = tmp_path, SEGMENT, 0
    monkeypatch.setattr(follow, "QUIET_SECONDS", 0.02)
    monkeypatch.setattr(notify, "WATCHED_POLL_SECONDS", 0.02)
    monkeypatch.setattr(log_target, "SETTLE_SECONDS", 0.05)
    for part in PARTS:
        print_lines(job, part, seal=part is PARTS[-1])
    directory = pod_dir(tmp_path, job.public_id, 1, 0)
    assert packing.pack(directory)
    worklist.put(tmp_path, pod_name(job.public_id, 1, 0), worklist.PACKED)
    keeping.keep(tmp_path, time.monotonic() + 60)
    assert [path.name for path in directory.iterdir()] == ["main.away"]
    return directory


@pytest.fixture(autouse=True)
def pod(job: Job) -> Pod:
    return make_pod(job, phase="Succeeded")


@pytest.fixture
def token(bob: User) -> str:
    return logins.begin(bob).access


@pytest.fixture
def client(bob: User) -> ApiClient:
    return ApiClient(bob)


@pytest.fixture
def torn(bucket: Bucket, job: Job) -> None:
    """Of the log's three segments the bucket has lost the second."""
    bucket.remove(f"{job.public_id}/1/0/main.{len(PARTS[0]):020d}.zst")


def path(job: Job, rest: str = "") -> str:
    return f"/api/jobs/{job.public_id}/pods/{job.public_id}-1-0/logs{rest}"


def body(response: Any) -> bytes:
    async def read() -> bytes:
        return b"".join([part async for part in response])

    return async_to_sync(read)()


class TestInTheBucket:
    def test_it_is_one_answer(self, client: ApiClient, job: Job) -> None:
        data = client.get(path(job, "?tailLines=2")).json()["data"]
        assert data["logs"].encode() == b"".join(LOG.splitlines(keepends=True)[-2:])
        assert data["totalBytes"] == len(LOG)
        assert data["complete"] is True

    def test_it_is_a_stream(self, job: Job, token: str) -> None:
        async def whole() -> bytes:
            return await (await Reader(job, token).open()).whole()

        assert async_to_sync(whole)() == LOG

    def test_it_is_searched(self, client: ApiClient, job: Job) -> None:
        word = PARTS[1].splitlines()[7].decode()
        data = settled(client.get(path(job, f"/search?keyword={word[5:]}")))
        assert [match["text"] for match in data["matches"]] == [word]

    def test_it_is_a_file_and_parts_of_one(self, client: ApiClient, job: Job) -> None:
        assert body(client.get(path(job, "/download"))) == LOG
        part = client.get(path(job, "/download"), range="bytes=300000-300009")
        assert part.status_code == 206
        assert body(part) == LOG[300_000:300_010]


class TestABucketThatIsAway:
    @pytest.fixture(autouse=True)
    def gone(self, away: ObjectStorage, settings: Any) -> None:
        settings.LOG_OBJECTS = away

    @pytest.mark.parametrize("rest", ["", "?follow=true", "?keyword=loss", "/search?keyword=loss", "/download"])
    def test_it_is_said_with_a_code(self, rest: str, client: ApiClient, job: Job) -> None:
        assert error(client.get(path(job, rest))) == (503, LogsAway.code)

    async def test_the_websocket_says_it_too(self, job: Job, token: str) -> None:
        visitor = await Visitor(job, token=token).open()
        assert await visitor.until_closed() == 4503
        assert [message["code"] for message in visitor.told] == [LogsAway.code]


@pytest.mark.usefixtures("torn")
class TestAnObjectThatIsLost:
    """Found out in the middle of the log: what was sent is right, and nobody takes it for the end."""

    async def test_the_events_end_with_the_error(self, job: Job, token: str) -> None:
        reader = await Reader(job, token, accept="text/event-stream").open()
        events = (await reader.whole()).decode().rstrip("\n").split("\n\n")
        assert events[-1].startswith("event: error\n")
        assert LogsAway.code in events[-1]
        sent = [line[6:] for event in events[:-1] for line in event.split("\n") if line.startswith("data: ")]
        assert sent
        assert sent == PARTS[0].decode().splitlines()[: len(sent)]

    async def test_the_websocket_is_closed_with_the_error(self, job: Job, token: str) -> None:
        visitor = await Visitor(job, token=token).open()
        assert await visitor.until_closed() == 4503
        assert visitor.cursor == len(visitor.text) > 0
        assert PARTS[0].startswith(visitor.text.encode())
        assert [message["code"] for message in visitor.told] == [LogsAway.code]

    async def test_the_text_breaks_off(self, job: Job, token: str) -> None:
        reader = await Reader(job, token).open()
        await reader.next()
        with pytest.raises(LogsAway):
            await reader.exchange.wait(SECONDS)
        assert reader.body
        assert PARTS[0].startswith(reader.body)

    def test_the_download_breaks_off(self, client: ApiClient, job: Job) -> None:
        response = client.get(path(job, "/download"))
        assert response.status_code == 200
        with pytest.raises(LogsAway):
            body(response)
