"""Who loses the right to read is cut off even while taking nothing of what is sent."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from accounts.models import ApiToken, User
from jobs.api import log_target
from jobs.consumers import logs as consumers
from jobs.models import Job
from jobs_platform.handler import PlatformHandler, StreamCut
from tests.jobs.consumers.test_logs import APPLICATION, database
from tests.jobs.pod_logs import make_pod, print_lines

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 20.0


@pytest.fixture(autouse=True)
def quick(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LOG_DIR = tmp_path
    settings.AUTHORITY_CHECK_SECONDS = 0.05
    monkeypatch.setattr(log_target, "ASKS_ITSELF_SECONDS", 0.05)
    monkeypatch.setattr(consumers, "GOODBYE_SECONDS", 0.05)


class StalledClient:
    """Takes the first part of the log, then nothing: each further send waits for ever, as for a full connection."""

    def __init__(self, first: dict[str, Any]) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.inbox.put_nowait(first)
        self.stalled = asyncio.Event()
        self.sent: list[dict[str, Any]] = []

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)
        if message.get("text") or message.get("body"):
            self.stalled.set()
            await asyncio.Event().wait()

    async def loses_the_right(self, user: User) -> None:
        async with asyncio.timeout(SECONDS):
            await self.stalled.wait()
        await database(lambda: User.objects.filter(pk=user.pk).update(is_active=False))


def scope(job: Job, user: User, kind: str) -> dict[str, Any]:
    token = ApiToken.issue(user=user, name="test")[1]
    path = f"/api/jobs/{job.public_id}/pods/{job.public_id}-1-0/logs"
    return {
        "type": kind, "path": path, "raw_path": path.encode(), "query_string": b"follow=true", "method": "GET",
        "http_version": "1.1", "scheme": "http", "subprotocols": [],
        "headers": [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {token}".encode()), (b"accept", b"*/*")],
    }  # fmt: skip


@pytest.fixture
def printing(job: Job) -> Job:
    make_pod(job)
    print_lines(job, b"x" * 1_000_000)
    return job


async def test_over_http_the_connection_is_cut(printing: Job, bob: User) -> None:
    client = StalledClient({"type": "http.request", "body": b"", "more_body": False})
    made = await database(scope, printing, bob, "http")
    exchange = asyncio.create_task(PlatformHandler()(made, client.inbox.get, client.send))
    await client.loses_the_right(bob)
    with pytest.raises(StreamCut):
        await asyncio.wait_for(exchange, SECONDS)


async def test_a_websocket_is_closed_with_its_code(printing: Job, bob: User) -> None:
    client = StalledClient({"type": "websocket.connect"})
    made = await database(scope, printing, bob, "websocket")
    exchange = asyncio.create_task(APPLICATION(made, client.inbox.get, client.send))
    await client.loses_the_right(bob)
    async with asyncio.timeout(SECONDS):
        while client.sent[-1].get("code") != 4403:
            await asyncio.sleep(0.001)
    client.inbox.put_nowait({"type": "websocket.disconnect", "code": 1006})
    await asyncio.wait_for(exchange, SECONDS)
