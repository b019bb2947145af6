"""A job's log as a stream over HTTP, through the platform's own handler."""

from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from accounts import logins
from accounts.models import User
from jobs.api import log_streams, log_target
from jobs.logs import follow, notify
from jobs.models import Job, Queue
from jobs_platform.handler import PlatformHandler
from tests.jobs.conftest import submit
from tests.jobs.pod_logs import make_pod, print_lines, print_marker

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 20.0
EVENTS = "text/event-stream"


@pytest.fixture(autouse=True)
def quick(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LOG_DIR = tmp_path
    monkeypatch.setattr(follow, "QUIET_SECONDS", 0.02)
    monkeypatch.setattr(notify, "WATCHED_POLL_SECONDS", 0.02)
    monkeypatch.setattr(log_target, "FRESH_SECONDS", 0.01)
    monkeypatch.setattr(log_target, "SETTLE_SECONDS", 0.05)


@pytest.fixture
def job(bob: User, queue: Queue) -> Job:
    job = submit(bob, replicas=2)
    for replica in range(2):
        make_pod(job, replica=replica)
    return Job.objects.get(pk=job.pk)


@pytest.fixture
def token(bob: User) -> str:
    return logins.begin(bob).access


class Reader:
    """One request and what has come of its answer so far."""

    def __init__(self, job: Job, token: str, query: str = "", *, accept: str = "*/*", last_event_id: str = "") -> None:
        headers = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {token}".encode())]
        headers += [(b"accept", accept.encode())]
        headers += [(b"last-event-id", last_event_id.encode())] if last_event_id else []
        path = f"/api/jobs/{job.public_id}/logs"
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
            "raw_path": path.encode(), "query_string": f"follow=true{query}".encode(), "headers": headers,
        }  # fmt: skip
        self.exchange = ApplicationCommunicator(PlatformHandler(), scope)
        self.body = b""
        self.ended = False

    async def open(self) -> "Reader":
        await self.exchange.send_input({"type": "http.request", "body": b"", "more_body": False})
        assert (await self.exchange.receive_output(SECONDS))["status"] == 200
        return self

    async def until(self, text: bytes) -> None:
        while text not in self.body:
            assert not self.ended, self.body
            await self.next()

    async def next(self) -> None:
        part = await self.exchange.receive_output(SECONDS)
        self.body += part["body"]
        self.ended = not part["more_body"]

    async def whole(self) -> bytes:
        while not self.ended:
            await self.next()
        return self.body


async def database(call: Any, *args: Any, **kwargs: Any) -> Any:
    return await log_target.in_database(lambda: call(*args, **kwargs))


async def test_as_text_each_line_names_its_replica(job: Job, token: str) -> None:
    await database(print_lines, job, b"nought\n", replica=0)
    reader = await Reader(job, token).open()
    await reader.until(b"[0] nought\n")
    await database(print_lines, job, b"one \xff", replica=1, seal=True)
    await database(print_lines, job, b"", replica=0, seal=True)
    assert await reader.whole() == "[0] nought\n[1] one \ufffd\n".encode()


async def test_an_event_is_a_batch_of_lines_and_the_cursor_after_them(job: Job, token: str) -> None:
    await database(print_lines, job, b"a\rb\n", replica=0, seal=True)
    await database(print_lines, job, b"c\n", replica=1)
    reader = await Reader(job, token, accept=EVENTS).open()
    await reader.until(b"data: [1] c\n\n")
    assert b"data: [0] a\ndata: [0] b\n" in reader.body
    cursor = reader.body.split(b"id: ")[-1].split(b"\n")[0].decode()
    await database(print_lines, job, b"d\n", replica=1, seal=True)
    again = await Reader(job, token, "&tailLines=5", accept=EVENTS, last_event_id=cursor).open()
    body = await again.whole()
    assert body.count(b"data: [") == 1
    assert b"data: [1] d\n\n" in body
    assert body.endswith(b"event: end\ndata: Running\n\n")


async def test_a_gap_is_an_event_of_its_own(job: Job, token: str) -> None:
    await database(print_marker, job, b"one\n", b"[platform] Lines may be missing here: why.\n")
    await database(print_lines, job, b"", replica=1, seal=True)
    body = await (await Reader(job, token, "&replica=0", accept=EVENTS).open()).whole()
    assert b'event: gap\ndata: {"replica":0,"attempt":1,"reason":"missing"' in body
    assert b"[platform]" not in body


async def test_limit_bytes_ends_it(job: Job, token: str) -> None:
    await database(print_lines, job, b"1\n22\n333\n", replica=0)
    assert await (await Reader(job, token, "&limitBytes=13").open()).whole() == b"[0] 1\n[0] 22\n"
    assert await (await Reader(job, token, "&limitBytes=1").open()).whole() == b"[0] 1\n"


async def test_who_may_not_read_on_is_cut_off(job: Job, bob: User, token: str, settings: Any) -> None:
    settings.AUTHORITY_CHECK_SECONDS = 0.05
    await database(print_lines, job, b"one\n")
    reader = await Reader(job, token).open()
    await reader.until(b"one\n")
    await database(lambda: User.objects.filter(pk=bob.pk).update(is_active=False))
    with pytest.raises(log_streams.AccessEnded):
        await reader.whole()
