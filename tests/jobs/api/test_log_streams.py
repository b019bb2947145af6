"""A pod's log as a stream over HTTP, through the platform's own handler."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from accounts import logins
from accounts.models import User
from jobs.api import log_streams, log_target
from jobs.logs import follow, notify
from jobs.logs.store import LogKey
from jobs.models import Job, Pod
from jobs_platform.handler import PlatformHandler
from tests.jobs.pod_logs import make_pod, print_lines, print_marker

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 20.0


@pytest.fixture(autouse=True)
def quick(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LOG_DIR = tmp_path
    monkeypatch.setattr(follow, "QUIET_SECONDS", 0.02)
    monkeypatch.setattr(notify, "WATCHED_POLL_SECONDS", 0.02)
    monkeypatch.setattr(log_target, "FRESH_SECONDS", 0.01)
    monkeypatch.setattr(log_target, "SETTLE_SECONDS", 0.05)
    monkeypatch.setattr(log_target, "ASKS_ITSELF_SECONDS", 0.1)


@pytest.fixture
def pod(job: Job) -> Pod:
    return make_pod(job)


@pytest.fixture
def token(bob: User) -> str:
    return logins.begin(bob).access


async def database(call: Any, *args: Any) -> Any:
    return await log_target.in_database(call, *args)


class Reader:
    """One request and what has come of its answer so far."""

    def __init__(self, job: Job, token: str, query: str = "", *, accept: str = "*/*", last_event_id: str = "") -> None:
        headers = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {token}".encode())]
        headers += [(b"accept", accept.encode())]
        headers += [(b"last-event-id", last_event_id.encode())] if last_event_id else []
        path = f"/api/jobs/{job.public_id}/pods/{job.public_id}-1-0/logs"
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
            "raw_path": path.encode(), "query_string": f"follow=true{query}".encode(), "headers": headers,
        }  # fmt: skip
        self.exchange = ApplicationCommunicator(PlatformHandler(), scope)
        self.headers: dict[str, str] = {}
        self.status = 0
        self.body = b""
        self.ended = False

    async def open(self) -> "Reader":
        await self.exchange.send_input({"type": "http.request", "body": b"", "more_body": False})
        start = await self.exchange.receive_output(SECONDS)
        self.status = start["status"]
        self.headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return self

    async def next(self) -> None:
        part = await self.exchange.receive_output(SECONDS)
        self.body += part["body"]
        self.ended = not part["more_body"]

    async def until(self, text: bytes) -> None:
        while text not in self.body:
            assert not self.ended, self.body
            await self.next()

    async def whole(self) -> bytes:
        while not self.ended:
            await self.next()
        return self.body

    async def leave(self) -> None:
        await self.exchange.send_input({"type": "http.disconnect"})
        await self.exchange.wait(SECONDS)


@pytest.mark.usefixtures("pod")
class TestText:
    async def test_it_is_the_log_and_nothing_else(self, job: Job, token: str) -> None:
        print_lines(job, b"one\n")
        reader = await Reader(job, token).open()
        await reader.until(b"one\n")
        print_lines(job, b"two \xff\n", seal=True)
        assert await reader.whole() == "one\ntwo \ufffd\n".encode()
        assert reader.headers["content-type"] == "text/plain; charset=utf-8"

    async def test_nobody_on_the_way_keeps_it(self, job: Job, token: str) -> None:
        reader = await Reader(job, token).open()
        assert reader.headers["x-accel-buffering"] == "no"
        assert reader.headers["cache-control"] == "no-store"
        await reader.leave()

    async def test_it_goes_on_at_a_cursor(self, job: Job, token: str) -> None:
        print_lines(job, b"one\ntwo\n", seal=True)
        reader = await Reader(job, token, "&cursor=4&tailLines=5").open()
        assert await reader.whole() == b"two\n"

    async def test_a_client_that_leaves_ends_it(self, job: Job, token: str) -> None:
        print_lines(job, b"one\n")
        reader = await Reader(job, token).open()
        await reader.until(b"one\n")
        await reader.leave()
        assert reader.exchange.future.done()

    async def test_a_pod_that_is_over_ends_it(self, job: Job, token: str, pod: Pod) -> None:
        print_lines(job, b"killed here")
        reader = await Reader(job, token).open()
        await reader.until(b"killed here")
        await database(lambda: Pod.objects.filter(pk=pod.pk).update(phase="Failed"))
        assert await reader.whole() == b"killed here"

    async def test_a_large_log_comes_in_large_parts(self, job: Job, token: str) -> None:
        print_lines(job, b"x" * (1 << 20), seal=True)
        reader = await Reader(job, token).open()
        await reader.next()
        assert len(reader.body) == 256 << 10
        assert len(await reader.whole()) == 1 << 20

    async def test_who_may_not_read_on_is_cut_off(self, job: Job, bob: User, token: str, settings: Any) -> None:
        settings.AUTHORITY_CHECK_SECONDS = 0.05
        print_lines(job, b"one\n")
        reader = await Reader(job, token).open()
        await reader.until(b"one\n")
        await database(lambda: User.objects.filter(pk=bob.pk).update(is_active=False))
        with pytest.raises(log_streams.AccessEnded):
            await reader.whole()


class TestAPodThatIsExpected:
    async def test_it_is_waited_for(self, job: Job, token: str) -> None:
        reader = await Reader(job, token).open()
        assert reader.status == 200
        await database(lambda: print_lines(job, b"at last\n", seal=True))
        assert await reader.whole() == b"at last\n"

    async def test_the_stream_ends_when_the_job_does(self, job: Job, token: str) -> None:
        reader = await Reader(job, token).open()
        await database(lambda: Job.objects.filter(pk=job.pk).update(status="Stopped"))
        assert await reader.whole() == b""


@pytest.mark.usefixtures("pod")
class TestEvents:
    EVENTS = "text/event-stream"

    async def test_batches_carry_their_cursor_and_the_end_the_status(self, job: Job, token: str) -> None:
        print_lines(job, b"one\ntwo\nthree", seal=True)
        await database(lambda: Job.objects.filter(pk=job.pk).update(status="Succeeded"))
        reader = await Reader(job, token, accept=self.EVENTS).open()
        assert await reader.whole() == (
            b"id: 8\ndata: one\ndata: two\n\nid: 13\ndata: three\n\nevent: end\ndata: Succeeded\n\n"
        )
        assert reader.headers["content-type"] == "text/event-stream"

    async def test_a_carriage_return_ends_a_line(self, job: Job, token: str) -> None:
        print_lines(job, b"10%\r20%\r\ndone\r\n", seal=True)
        reader = await Reader(job, token, accept=self.EVENTS).open()
        body = await reader.whole()
        assert body.startswith(b"id: 15\ndata: 10%\ndata: 20%\ndata: done\n\n")

    async def test_a_client_that_comes_back_goes_on_after_its_last_event(self, job: Job, token: str) -> None:
        print_lines(job, b"one\ntwo\n", seal=True)
        reader = await Reader(job, token, "&tailLines=2", accept=self.EVENTS, last_event_id="4").open()
        assert (await reader.whole()).startswith(b"id: 8\ndata: two\n\n")

    async def test_half_a_line_waits_for_its_end(self, job: Job, token: str) -> None:
        print_lines(job, b"half")
        reader = await Reader(job, token, accept=self.EVENTS).open()
        print_lines(job, b" whole\n", seal=True)
        assert (await reader.whole()).startswith(b"id: 11\ndata: half whole\n\n")

    async def test_a_gap_is_an_event_of_its_own(self, job: Job, token: str) -> None:
        line = b"[platform] The log reached its limit: 4 bytes are kept, what follows is not.\n"
        await database(print_marker, job, b"one\n", line)
        reader = await Reader(job, token, accept=self.EVENTS).open()
        assert (await reader.whole()).startswith(
            b'id: 4\ndata: one\n\nid: 81\nevent: gap\ndata: {"reason":"limit","message":"The log reached its limit: '
            b'4 bytes are kept, what follows is not.","time":"2025-01-15T10:30:00.123456789Z"}\n\nevent: end\n'
        )
        again = await Reader(job, token, last_event_id="81", accept=self.EVENTS).open()
        assert (await again.whole()).startswith(b"event: end\n")
        text = await Reader(job, token).open()
        assert await text.whole() == b"one\n" + line

    async def test_silence_is_broken_by_comments(self, job: Job, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(log_streams, "HEARTBEAT_SECONDS", 0.02)
        reader = await Reader(job, token, accept=self.EVENTS).open()
        await reader.until(b": still here\n\n")
        await reader.leave()

    async def test_who_may_not_read_on_is_told(self, job: Job, bob: User, token: str, settings: Any) -> None:
        settings.AUTHORITY_CHECK_SECONDS = 0.05
        print_lines(job, b"one\n")
        reader = await Reader(job, token, accept=self.EVENTS).open()
        await reader.until(b"one\n")
        await database(lambda: User.objects.filter(pk=bob.pk).update(is_active=False))
        body = await reader.whole()
        assert b'event: error\ndata: {"code": "PERMISSION_DENIED"' in body


async def test_followers_of_one_pod_ask_the_database_once(
    job: Job, pod: Pod, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many they are, within the time that an answer is good for."""
    calls: list[str] = []
    lock, original = threading.Lock(), log_target.pod_state

    def counted(target: log_target.Target) -> log_target.PodState:
        with lock:
            calls.append(target.pod_name)
        return original(target)

    monkeypatch.setattr(log_target, "FRESH_SECONDS", 60.0)
    monkeypatch.setattr(log_target, "pod_state", counted)
    target = log_target.Target(job.pk, job.public_id, pod.name, LogKey(job.public_id, 1, 0))
    states = await asyncio.gather(*(log_target.board().state(target) for _ in range(20)))
    assert [state.status for state in states] == ["Running"] * 20
    assert calls == [pod.name]


class TestTheStatusAtTheEnd:
    """It is waited for until it takes the pod's end into account."""

    def settled(self, pod: Pod) -> bool:
        key = LogKey(pod.job.public_id, 1, 0)
        return log_target.pod_state(log_target.Target(pod.job_id, pod.job.public_id, pod.name, key)).settled

    def test_of_a_job_s_only_pod(self, pod: Pod) -> None:
        assert not self.settled(pod)
        Pod.objects.filter(pk=pod.pk).update(phase="Failed")
        assert not self.settled(pod)
        Job.objects.filter(pk=pod.job_id).update(status="Pending")  # for another attempt
        assert self.settled(pod)
        Job.objects.filter(pk=pod.job_id).update(status="Failed")
        assert self.settled(pod)

    @pytest.mark.parametrize(("phase", "settled"), [("Succeeded", True), ("Failed", False)])
    def test_of_one_among_several(self, pod: Pod, phase: str, settled: bool) -> None:
        other = make_pod(pod.job, replica=1)
        Job.objects.filter(pk=pod.job_id).update(replicas=2)
        Pod.objects.filter(pk=pod.pk).update(phase=phase)
        assert self.settled(pod) is settled
        Pod.objects.filter(pk=other.pk).update(phase="Succeeded")
        assert not self.settled(pod)
