"""A job's log as a WebSocket, through the real log-in and routing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator

from accounts.models import ApiToken, User
from jobs.api import log_target
from jobs.consumers import logs as consumers
from jobs.logs import follow, notify
from jobs.logs.protocol import WINDOW_BYTES
from jobs.models import Job, Pod, Queue
from tests.jobs.conftest import submit
from tests.jobs.consumers.test_logs import APPLICATION, HOST, SECONDS
from tests.jobs.pod_logs import make_pod, print_lines, print_marker

pytestmark = pytest.mark.django_db(transaction=True)


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
    return ApiToken.issue(user=bob, name="test")[1]


async def database(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return await log_target.in_database(lambda: call(*args, **kwargs))


class Visitor:
    """One client: keeps the lines it was shown, what else it was told, and the close code."""

    def __init__(self, job: Job, query: str = "", *, token: str) -> None:
        headers = [*HOST, (b"authorization", f"Bearer {token}".encode())]
        self.socket = WebsocketCommunicator(APPLICATION, f"/api/jobs/{job.public_id}/logs{query}", headers=headers)
        self.lines: list[str] = []
        self.cursor = ""
        self.told: list[dict[str, Any]] = []
        self.closed: int | None = None

    async def open(self) -> "Visitor":
        accepted, _ = await self.socket.connect(timeout=SECONDS)
        assert accepted
        return self

    async def next(self) -> None:
        output = await self.socket.receive_output(SECONDS)
        if output["type"] == "websocket.close":
            self.closed = output["code"]
            return
        message = json.loads(output["text"])
        self.cursor = message.get("cursor", self.cursor)
        if message["operation"] == "log":
            self.lines += [f"{line['replica']} {line['text']}" for line in message["lines"]]
        else:
            self.told.append(message)

    async def until(self, line: str) -> None:
        while line not in self.lines:
            assert self.closed is None, self.told
            await self.next()

    async def until_closed(self) -> int:
        while self.closed is None:
            await self.next()
        return self.closed


async def test_it_shows_what_every_replica_wrote_and_writes(job: Job, token: str) -> None:
    print_lines(job, b"nought\n", replica=0)
    visitor = await Visitor(job, token=token).open()
    await visitor.until("0 nought")
    await database(print_lines, job, "一\n".encode(), replica=1, seal=True)
    await visitor.until("1 一")
    await database(print_lines, job, b"end\n", replica=0, seal=True)
    assert await visitor.until_closed() == 1000
    assert visitor.lines == ["0 nought", "1 一", "0 end"]
    assert visitor.told == [{"operation": "end", "status": "Running"}]


async def test_it_goes_on_at_a_cursor(job: Job, token: str) -> None:
    print_lines(job, b"nought\n", replica=0)
    print_lines(job, b"one\n", replica=1, seal=True)
    first = await Visitor(job, token=token).open()
    await first.until("1 one")
    await first.socket.disconnect()
    await database(print_lines, job, b"more\n", replica=0, seal=True)
    second = await Visitor(job, f"?cursor={first.cursor}", token=token).open()
    await second.until_closed()
    assert first.lines + second.lines == ["0 nought", "1 one", "0 more"]


async def test_a_line_of_the_platforms_own_is_a_gap(job: Job, token: str) -> None:
    def write() -> None:
        print_marker(job, b"before\n", b"[platform] Lines may be missing here: why.\n")
        print_lines(job, b"after\n", replica=1, seal=True)

    await database(write)
    visitor = await Visitor(job, token=token).open()
    await visitor.until_closed()
    assert visitor.lines == ["0 before", "1 after"]
    gap = visitor.told[0]
    assert (gap["operation"], gap["reason"], gap["replica"]) == ("gap", "missing", 0)
    assert gap["message"] == "Lines may be missing here: why."


async def test_it_stays_within_the_window_of_a_client_that_acknowledges(job: Job, token: str) -> None:
    visitor = await Visitor(job, token=token).open()
    await database(print_lines, job, b"one\n", replica=0)
    await visitor.until("0 one")
    await visitor.socket.send_to(text_data=json.dumps({"operation": "ack", "cursor": visitor.cursor}))
    await database(print_lines, job, (b"x" * 999 + b"\n") * 3000, replica=0, seal=True)
    while not await visitor.socket.receive_nothing(0.3):
        await visitor.next()
    assert 500_000 < sum(map(len, visitor.lines)) <= WINDOW_BYTES
    await visitor.socket.send_to(text_data=json.dumps({"operation": "ack", "cursor": visitor.cursor}))
    await visitor.next()
    await visitor.socket.disconnect()


async def test_a_client_that_stops_acknowledging_is_let_go(
    job: Job, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "ACK_SECONDS", 0.05)
    visitor = await Visitor(job, token=token).open()
    await database(print_lines, job, b"one\n", replica=0)
    await visitor.until("0 one")
    await visitor.socket.send_to(text_data=json.dumps({"operation": "ack", "cursor": visitor.cursor}))
    await database(print_lines, job, (b"x" * 999 + b"\n") * 3000, replica=0)
    assert await visitor.until_closed() == 4400


@pytest.mark.parametrize("message", ["[]", "{}", '{"operation":"ack"}', '{"operation":"ack","cursor":1}', "x"])
async def test_another_message_closes(job: Job, token: str, message: str) -> None:
    visitor = await Visitor(job, token=token).open()
    await visitor.socket.send_to(text_data=message)
    assert await visitor.until_closed() == 4400


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("?replica=2", "replica"), ("?cursor=x", "cursor"), ("?untilTime=2025-01-15T10:30:00Z", "untilTime")],
)
async def test_a_wrong_parameter_is_named(job: Job, token: str, query: str, parameter: str) -> None:
    visitor = await Visitor(job, query, token=token).open()
    assert await visitor.until_closed() == 4400
    assert list(visitor.told[0]["details"]) == [parameter]


async def test_another_projects_job_is_not_there(job: Job, mallory: User) -> None:
    stranger = await database(lambda: ApiToken.issue(user=mallory, name="test")[1])
    visitor = await Visitor(job, token=stranger).open()
    assert await visitor.until_closed() == 4404


async def test_every_attempt_is_followed_to_the_end_of_the_job(job: Job, token: str) -> None:
    print_lines(job, b"first\n", replica=0, seal=True)
    visitor = await Visitor(job, "?attempt=all", token=token).open()
    await visitor.until("0 first")

    def retry() -> None:
        make_pod(job, attempt=2)
        print_lines(job, b"again\n", attempt=2, seal=True)
        Pod.objects.filter(job=job).update(phase="Succeeded")

    await database(retry)
    await visitor.until("0 again")
    await database(lambda: Job.objects.filter(pk=job.pk).update(status="Succeeded"))
    assert await visitor.until_closed() == 1000
    assert visitor.told == [{"operation": "end", "status": "Succeeded"}]
    assert visitor.lines == ["0 first", "0 again"]


async def test_who_may_not_read_on_is_told_and_cut_off(job: Job, bob: User, token: str, settings: Any) -> None:
    settings.AUTHORITY_CHECK_SECONDS = 0.05
    print_lines(job, b"one\n")
    visitor = await Visitor(job, token=token).open()
    await visitor.until("0 one")
    await database(lambda: User.objects.filter(pk=bob.pk).update(is_active=False))
    assert await visitor.until_closed() == 4403
    assert visitor.told[0]["code"] == "PERMISSION_DENIED"
