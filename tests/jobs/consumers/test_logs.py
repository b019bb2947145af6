"""A pod's log as a WebSocket, through the real log-in and routing."""

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.test import Client

from accounts import logins
from accounts.models import ApiToken, Membership, User
from accounts.ws_auth import WebSocketAuthMiddleware
from jobs.api import log_target
from jobs.consumers import logs as consumers
from jobs.logs import follow, notify
from jobs.logs.protocol import FRAME_BYTES, WINDOW_BYTES
from jobs.models import Job, Pod
from jobs.routing import websocket_urlpatterns
from tests.jobs.pod_logs import make_pod, print_lines, print_marker

pytestmark = pytest.mark.django_db(transaction=True)
APPLICATION = WebSocketAuthMiddleware(URLRouter(websocket_urlpatterns))
HOST = [(b"host", b"testserver:8080"), (b"accept-language", b"en")]
SECONDS = 20.0

Headers = tuple[tuple[bytes, bytes], ...]


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


async def database(call: Callable[..., Any], *args: Any) -> Any:
    return await log_target.in_database(call, *args)


class Visitor:
    """One client: keeps the text it was shown, what else it was told, and the close code."""

    def __init__(
        self,
        job: Job,
        query: str = "",
        *,
        token: str = "",
        headers: tuple[tuple[bytes, bytes], ...] = (),
        pod: str = "",
    ) -> None:
        path = f"/api/jobs/{job.public_id}/pods/{pod or f'{job.public_id}-1-0'}/logs{query}"
        bearer = [(b"authorization", f"Bearer {token}".encode())] if token else []
        self.socket = WebsocketCommunicator(APPLICATION, path, headers=[*HOST, *bearer, *headers])
        self.text = ""
        self.cursor = 0
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
            assert type(self.closed) is int  # what the server takes is not an enum
            return
        message = json.loads(output["text"])
        if message["operation"] == "log":
            self.text += message["data"]
            assert message["cursor"] > self.cursor
            self.cursor = message["cursor"]
        else:
            self.told.append(message)

    async def until(self, text: str) -> None:
        while text not in self.text:
            assert self.closed is None, self.told
            await self.next()

    async def until_closed(self) -> int:
        while self.closed is None:
            await self.next()
        return self.closed

    async def leave(self) -> None:
        await self.socket.disconnect()


def token_of(user: User) -> str:
    return ApiToken.issue(user=user, name="test")[1]


@pytest.fixture
def token(bob: User) -> str:
    return token_of(bob)


@pytest.mark.usefixtures("pod")
class TestStream:
    async def test_it_shows_what_was_written_and_what_is_being_written(self, job: Job, token: str) -> None:
        print_lines(job, b"one\n")
        visitor = await Visitor(job, token=token).open()
        await visitor.until("one\n")
        print_lines(job, "二\n".encode(), seal=True)
        assert await visitor.until_closed() == 1000
        assert visitor.text == "one\n二\n"
        assert visitor.cursor == 8
        assert visitor.told == [{"operation": "end", "status": "Running"}]

    async def test_the_end_tells_the_jobs_final_status(self, job: Job, token: str) -> None:
        print_lines(job, b"one\n", seal=True)
        await database(lambda: Job.objects.filter(pk=job.pk).update(status="Failed"))
        visitor = await Visitor(job, token=token).open()
        assert await visitor.until_closed() == 1000
        assert visitor.told == [{"operation": "end", "status": "Failed"}]

    async def test_it_goes_on_at_a_cursor(self, job: Job, token: str) -> None:
        print_lines(job, b"one\ntwo\n", seal=True)
        visitor = await Visitor(job, "?cursor=4&tailLines=99", token=token).open()
        await visitor.until_closed()
        assert visitor.text == "two\n"

    async def test_a_gap_is_a_message_of_its_own(self, job: Job, token: str) -> None:
        await database(print_marker, job, b"one\n", b"[platform] 5 bytes are missing here: full.\n")
        visitor = await Visitor(job, token=token).open()
        assert await visitor.until_closed() == 1000
        assert visitor.text == "one\n"
        assert visitor.told[0] == {
            "operation": "gap",
            "reason": "missing",
            "message": "5 bytes are missing here: full.",
            "time": "2025-01-15T10:30:00.123456789Z",
            "cursor": 47,
        }

    async def test_the_parameters_are_those_of_http(self, job: Job, token: str) -> None:
        print_lines(job, b"one\ntwo\n", seal=True)
        visitor = await Visitor(job, "?tailLines=1&timestamps=true&follow=true", token=token).open()
        await visitor.until_closed()
        assert visitor.text == "2025-01-15T10:30:00.123456789Z two\n"

    async def test_large_output_comes_in_bounded_messages(self, job: Job, token: str) -> None:
        data = b"\x1b" * 300_000
        print_lines(job, data, seal=True)
        visitor = await Visitor(job, token=token).open()
        longest = 0
        while len(visitor.text) < len(data):
            before = len(visitor.text)
            await visitor.next()
            longest = max(longest, len(visitor.text) - before)
        assert longest == 65_536
        await visitor.leave()

    async def test_it_stays_within_the_window_of_a_client_that_acknowledges(self, job: Job, token: str) -> None:
        visitor = await Visitor(job, token=token).open()
        await visitor.socket.send_to(text_data='{"operation":"ack","cursor":4}')
        await database(print_lines, job, b"one\n")
        await visitor.until("one\n")
        await database(print_lines, job, b"x" * (3 << 20))
        while visitor.cursor - 4 <= WINDOW_BYTES - FRAME_BYTES or not await visitor.socket.receive_nothing(0.3):
            await visitor.next()
        assert visitor.cursor - 4 <= WINDOW_BYTES
        await visitor.socket.send_to(text_data=json.dumps({"operation": "ack", "cursor": visitor.cursor}))
        await visitor.next()
        await visitor.leave()

    async def test_what_was_skipped_need_not_be_acknowledged(self, job: Job, token: str) -> None:
        visitor = await Visitor(job, "?maxLagBytes=65536", token=token).open()
        await visitor.socket.send_to(text_data='{"operation":"ack","cursor":4}')
        await database(print_lines, job, b"one\n")
        await visitor.until("one\n")
        await database(print_lines, job, b"skipped\n" * (WINDOW_BYTES // 4) + b"last\n")
        await visitor.until("last\n")
        assert [told["reason"] for told in visitor.told] == ["skipped"]
        await visitor.leave()

    async def test_a_client_that_stops_acknowledging_is_let_go(
        self, job: Job, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(consumers, "ACK_SECONDS", 0.05)
        visitor = await Visitor(job, token=token).open()
        await visitor.socket.send_to(text_data='{"operation":"ack","cursor":4}')
        await database(print_lines, job, b"one\n")
        await visitor.until("one\n")
        await database(print_lines, job, b"x" * (3 << 20))
        assert await visitor.until_closed() == 4400

    async def test_a_pod_that_is_over_ends_the_stream_without_its_seal(self, job: Job, token: str, pod: Pod) -> None:
        print_lines(job, b"one\n")
        visitor = await Visitor(job, token=token).open()
        await visitor.until("one\n")
        await database(lambda: Pod.objects.filter(pk=pod.pk).update(phase="Failed"))
        assert await visitor.until_closed() == 1000

    @pytest.mark.parametrize("message", ["[]", "{}", '{"operation":"ack"}', '{"operation":"ack","cursor":-1}', "x"])
    async def test_another_message_closes(self, job: Job, token: str, message: str) -> None:
        visitor = await Visitor(job, token=token).open()
        await visitor.socket.send_to(text_data=message)
        assert await visitor.until_closed() == 4400


class TestAPodThatIsExpected:
    async def test_it_is_waited_for(self, job: Job, token: str) -> None:
        visitor = await Visitor(job, token=token).open()
        await database(make_pod, job)
        await database(lambda: print_lines(job, b"at last\n", seal=True))
        await visitor.until_closed()
        assert visitor.text == "at last\n"

    async def test_the_stream_ends_when_the_job_does(
        self, job: Job, token: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = threading.Event()
        original = log_target.pod_state

        def told(target: log_target.Target) -> log_target.PodState:
            asked.set()
            return original(target)

        monkeypatch.setattr(log_target, "pod_state", told)
        visitor = await Visitor(job, token=token).open()
        await asyncio.to_thread(asked.wait, SECONDS)
        await database(lambda: Job.objects.filter(pk=job.pk).update(status="Stopped"))
        assert await visitor.until_closed() == 1000
        assert visitor.told == [{"operation": "end", "status": "Stopped"}]


@pytest.mark.usefixtures("pod")
class TestRefusal:
    async def refused(self, visitor: Visitor) -> tuple[int, str]:
        await visitor.open()
        code = await visitor.until_closed()
        assert visitor.text == ""
        assert visitor.told[0]["operation"] == "error"
        assert visitor.told[0]["message"]
        return code, visitor.told[0]["code"]

    async def test_nobody_without_credentials(self, job: Job) -> None:
        assert await self.refused(Visitor(job)) == (4401, "NOT_AUTHENTICATED")

    async def test_a_wrong_token(self, job: Job) -> None:
        assert await self.refused(Visitor(job, token="pat_wrong")) == (4401, "NOT_AUTHENTICATED")

    async def test_a_foreign_project(self, job: Job, mallory: User) -> None:
        token = await database(token_of, mallory)
        assert await self.refused(Visitor(job, token=token)) == (4404, "JOB_NOT_FOUND")

    async def test_a_pod_that_is_not_the_jobs(self, job: Job, token: str) -> None:
        visitor = Visitor(job, token=token, pod=f"{job.public_id}-7-0")
        assert await self.refused(visitor) == (4404, "POD_NOT_FOUND")

    async def test_a_wrong_parameter_is_named(self, job: Job, token: str) -> None:
        visitor = Visitor(job, "?tailLines=many", token=token)
        assert await self.refused(visitor) == (4400, "VALIDATION_ERROR")
        assert list(visitor.told[0]["details"]) == ["tailLines"]


@pytest.mark.usefixtures("pod")
class TestOrigin:
    """A page of another site must not read with a session's cookie."""

    def cookie(self, user: User) -> bytes:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return f"sessionid={client.cookies['sessionid'].value}".encode()

    @pytest.mark.parametrize(
        ("origin", "code"),
        [
            (b"http://testserver:8080", 1000),
            (b"https://testserver:8080", 4403),
            (b"http://testserver:9090", 4403),
            (b"http://evil.example", 4403),
            (b"null", 4403),
        ],
    )
    async def test_the_page_must_be_ours(self, job: Job, bob: User, settings: Any, origin: bytes, code: int) -> None:
        settings.ALLOWED_HOSTS = ["testserver"]
        print_lines(job, b"one\n", seal=True)
        cookie = await database(self.cookie, bob)
        visitor = await Visitor(job, headers=((b"cookie", cookie), (b"origin", origin))).open()
        assert await visitor.until_closed() == code
        assert visitor.text == ("one\n" if code == 1000 else "")

    async def test_a_token_may_come_from_any_page(self, job: Job, token: str) -> None:
        print_lines(job, b"one\n", seal=True)
        visitor = await Visitor(job, token=token, headers=((b"origin", b"http://elsewhere.example"),)).open()
        assert await visitor.until_closed() == 1000


@pytest.mark.usefixtures("pod")
class TestAuthority:
    """Who loses the right to read while reading is cut off."""

    @pytest.fixture(autouse=True)
    def checked_at_once(self, settings: Any) -> None:
        settings.AUTHORITY_CHECK_SECONDS = 0.05

    @pytest.mark.parametrize("how", ["disabled", "removed", "deleted", "password", "logged out"])
    async def test_the_stream_ends(self, job: Job, bob: User, how: str) -> None:
        pair = await database(logins.begin, bob)
        visitor = await Visitor(job, token=pair.access).open()
        await database(print_lines, job, b"one\n")
        await visitor.until("one\n")
        await database(self.lose, how, bob, job, pair)
        assert await visitor.until_closed() == 4403

    def lose(self, how: str, user: User, job: Job, pair: logins.TokenPair) -> None:
        if how == "disabled":
            User.objects.filter(pk=user.pk).update(is_active=False)
        elif how == "removed":
            Membership.objects.filter(user=user).delete()
        elif how == "password":
            user.set_password("another one")
            user.save()
        elif how == "logged out":
            logins.end_by_refresh(pair.refresh)
        else:
            from django.utils import timezone

            Job.objects.filter(pk=job.pk).update(deleted_at=timezone.now())
