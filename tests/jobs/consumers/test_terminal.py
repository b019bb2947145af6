"""The web terminal's WebSocket, through the real log-in and routing, on real pseudo-terminals."""

import asyncio
import logging
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, Membership, User
from jobs.cluster.local import pty
from jobs.consumers import terminal as consumers
from jobs.models import AuditEntry, Job, Pod, TerminalSession
from jobs.terminal import broker, tickets
from tests.jobs.terminal.pods import LonePod, running_pod
from tests.jobs.terminal.visitor import Visitor, database, ticket_for

pytestmark = pytest.mark.django_db(transaction=True)
NEVER_SENT = "x" * 43


Open = Callable[..., Awaitable[Visitor]]


@pytest.fixture
def pod(job: Job) -> Pod:
    return running_pod(job)


@pytest.fixture
async def lone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LonePod]:
    pod = LonePod(str(tmp_path))
    monkeypatch.setattr(consumers, "BROKER", broker.Broker(pod.for_pool))
    yield pod
    pod.end()


@pytest.fixture
async def visit(bob: User, pod: Pod, lone: LonePod) -> AsyncIterator[Open]:
    visitors: list[Visitor] = []

    async def open_one(
        *, token: str = "", query: str = "", headers: list[tuple[bytes, bytes]] | None = None, user: User = bob
    ) -> Visitor:
        ticket = token or await database(lambda: ticket_for(user, pod))
        visitor = Visitor(f"/webterminal/{ticket}{query}", headers)
        visitors.append(visitor)
        return await visitor.open()

    yield open_one
    for visitor in visitors:
        await visitor.leave()
    assert not pty.LIVE


async def test_a_shell_from_its_first_line_to_its_exit_code(visit: Open, pod: Pod, tmp_path: Path) -> None:
    shell = await visit(query="?cols=101&rows=31")
    ready = await shell.until_told("ready")
    assert (ready["jobId"], ready["podName"]) == (pod.job.public_id, pod.name)
    assert (ready["cols"], ready["rows"], ready["windowBytes"], ready["frameBytes"]) == (101, 31, 262_144, 65_536)
    await shell.type("echo $JOB_ID; pwd; stty size; exit 7\n")
    assert await shell.until_closed() == 1000
    shown = shell.shown.decode()
    assert pod.job.public_id in shown
    assert str(tmp_path) in shown
    assert "31 101" in shown
    assert shell.end == {
        "operation": "exit",
        "code": 7,
        "reason": "exited",
        "message": "The shell has ended.",
        "sessionOpen": False,
    }


async def test_text_frames_type_and_resize(visit: Open) -> None:
    shell = await visit()
    await shell.until_told("ready")
    await shell.say(operation="resize", cols=133, rows=41)
    await shell.say(operation="stdin", data="stty size; echo 训''练\n")
    shown = await shell.until("训练")
    assert "41 133" in shown


async def test_a_ping_is_answered(visit: Open) -> None:
    shell = await visit()
    await shell.say(operation="ping")
    await shell.until_told("pong")


async def test_it_keeps_a_record_and_an_audit(visit: Open, bob: User, pod: Pod) -> None:
    shell = await visit()
    await shell.until_told("ready")
    record = await database(TerminalSession.objects.get)
    assert record.ended_at is None
    entry = await database(lambda: AuditEntry.objects.get(action="terminal.open"))
    assert (entry.actor_id, entry.object_id, entry.detail) == (bob.pk, pod.job.public_id, {"pod": pod.name})
    await shell.type("exit 3\n")
    await shell.until_closed()
    record = await database(TerminalSession.objects.get)
    assert (record.user_id, record.pod_id, record.end_reason, record.exit_code) == (bob.pk, pod.pk, "exited", 3)
    assert record.bytes_in == len("exit 3\n")
    assert record.bytes_out == len(shell.shown)
    assert record.ended_at is not None


async def test_no_audit_no_shell(visit: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("jobs.terminal.records.audit", full)
    shell = await visit()
    assert await shell.until_closed() == 1011
    assert shell.end["reason"] == "failed"
    assert not pty.LIVE
    assert not await database(TerminalSession.objects.exists)


async def test_a_ticket_opens_once(visit: Open, bob: User, pod: Pod) -> None:
    token = await database(lambda: ticket_for(bob, pod))
    first = await visit(token=token)
    await first.until_told("ready")
    second = await visit(token=token)
    assert await second.until_closed() == 4401
    assert second.end["reason"] == "ticket_invalid"


async def test_the_reason_is_told_in_chinese_unless_asked_otherwise(lone: LonePod) -> None:
    stranger = Visitor(f"/webterminal/{NEVER_SENT}", [(b"accept-language", b"zh-CN")])
    stranger.socket.scope["headers"].remove((b"accept-language", b"en"))
    await stranger.open()
    assert await stranger.until_closed() == 4401
    assert stranger.end["message"]


FOREIGN_ORIGINS = [
    "http://testserver",
    "http://testserver:8081",
    "https://testserver:8080",
    "http://evil.example:8080",
    "http://testserver.evil.example:8080",
    "http://testserver:8080/path",
    "http://testserver:8080@evil.example",
    "http://testserver:8080,http://evil.example",
    "http://testserver:99999",
    "null",
    "",
]


async def test_a_page_of_another_site_opens_nothing(visit: Open, bob: User, pod: Pod) -> None:
    token = await database(lambda: ticket_for(bob, pod))
    for origin in FOREIGN_ORIGINS:
        stranger = await visit(token=token, headers=[(b"origin", origin.encode())])
        assert await stranger.until_closed() == 4403, origin
        assert stranger.end["reason"] == "wrong_origin"
    own = await visit(token=token, headers=[(b"origin", b"http://testserver:8080")])
    await own.until_told("ready")


async def test_the_public_address_is_an_origin_of_ours(visit: Open, settings: Any) -> None:
    settings.PUBLIC_URL = "https://jobs.example"
    shell = await visit(headers=[(b"origin", b"https://jobs.example")])
    await shell.until_told("ready")


async def test_a_cookie_alone_opens_nothing(visit: Open, bob: User) -> None:
    stranger = await visit(token=NEVER_SENT, headers=[await database(lambda: cookie_of(bob))])
    assert await stranger.until_closed() == 4401


async def test_a_cookie_of_another_user_is_refused(visit: Open, alice: User) -> None:
    stranger = await visit(headers=[await database(lambda: cookie_of(alice))])
    assert await stranger.until_closed() == 4403
    assert stranger.end["reason"] == "not_allowed"


async def test_the_users_own_cookie_is_fine(visit: Open, bob: User) -> None:
    shell = await visit(headers=[await database(lambda: cookie_of(bob))])
    await shell.until_told("ready")


def cookie_of(user: User) -> tuple[bytes, bytes]:
    client = Client()
    client.force_login(user)
    return b"cookie", f"sessionid={client.session.session_key}".encode()


async def test_a_user_has_so_many_terminals_and_no_more(visit: Open, settings: Any, alice: User) -> None:
    settings.TERMINALS_PER_USER = 2
    first, second = await visit(), await visit()
    await first.until_told("ready")
    await second.until_told("ready")
    third = await visit()
    assert await third.until_closed() == 4409
    assert "2" in third.end["message"]
    other = await visit(user=alice)
    await other.until_told("ready")
    await first.leave()
    again = await visit()
    await again.until_told("ready")


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        (lambda: User.objects.filter(username="bob").update(is_active=False), 4403, "not_allowed"),
        (lambda: ApiToken.objects.update(revoked_at=timezone.now()), 4403, "not_allowed"),
        (lambda: Membership.objects.update(role="viewer"), 4403, "not_allowed"),
        (lambda: Membership.objects.all().delete(), 4403, "not_allowed"),
        (lambda: Job.objects.update(deleted_at=timezone.now()), 4404, "pod_gone"),
        (lambda: Pod.objects.update(uid="uid-2"), 4404, "pod_gone"),
        (lambda: Pod.objects.update(phase="Failed"), 4410, "pod_ended"),
    ],
)
async def test_lost_rights_close_an_open_terminal(
    visit: Open, settings: Any, change: Callable[[], Any], code: int, reason: str
) -> None:
    settings.AUTHORITY_CHECK_SECONDS = 0.3
    shell = await visit()
    await shell.until_told("ready")
    await database(change)
    assert await shell.until_closed() == code
    assert shell.end["reason"] == reason
    assert (await database(TerminalSession.objects.get)).end_reason == reason


async def test_a_registry_that_does_not_answer_closes_it_in_the_end(
    visit: Open, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AUTHORITY_CHECK_SECONDS = 0.3
    shell = await visit()
    await shell.until_told("ready")

    def down(key: str) -> None:
        raise OSError("no database")

    monkeypatch.setattr(tickets, "user_of", down)
    assert await shell.until_closed() == 1011


async def test_the_pods_end_closes_it(visit: Open, lone: LonePod) -> None:
    shell = await visit()
    await shell.until_told("ready")
    lone.end()
    assert await shell.until_closed() == 4410
    assert shell.end["reason"] == "pod_ended"


async def test_a_pod_that_ended_meanwhile_gives_no_shell(visit: Open, lone: LonePod) -> None:
    lone.end()
    shell = await visit()
    assert await shell.until_closed() == 4410


async def test_idleness_is_warned_about_and_then_ends_it(
    visit: Open, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TERMINAL_IDLE_SECONDS = 1
    shell = await visit()
    warning = await shell.until_told("warning")
    assert (warning["reason"], warning["seconds"]) == ("idle", 1)
    await shell.type("echo st''ill here\n")
    await shell.until("still here")
    assert await shell.until_closed() == 4408
    assert [message["operation"] for message in shell.told].count("warning") == 2


async def test_the_total_time_is_warned_about_and_then_ends_it(visit: Open, settings: Any) -> None:
    settings.TERMINAL_TOTAL_SECONDS = 1
    shell = await visit()
    assert (await shell.until_told("warning"))["reason"] == "time_limit"
    assert await shell.until_closed() == 4411


async def test_a_flood_stops_when_nothing_is_acknowledged(visit: Open, lone: LonePod) -> None:
    lone.command = ("/bin/sh", "-c", "trap 'echo interrupted; exit 5' INT; echo started; while :; do yes; done")
    shell = await visit()
    await shell.say(operation="ack", bytes=0)
    await shell.until("started")
    terminal = next(iter(pty.LIVE))
    reads = counted(terminal)
    async with asyncio.timeout(10):
        while len(shell.shown) < 262_144:
            await shell.next()
    assert await shell.socket.receive_nothing(timeout=0.3)
    assert len(shell.shown) < 262_144 + 65_536
    before = reads()
    assert await shell.socket.receive_nothing(timeout=0.2)
    assert reads() == before
    await shell.type("\x03")  # acts at once, though nothing more is shown
    await shell.say(operation="ack", bytes=len(shell.shown))
    await shell.until("interrupted")
    assert await shell.until_closed() == 1000
    assert shell.end["code"] == 5


def counted(session: pty.PtySession) -> Callable[[], int]:
    """How often the session's terminal is read."""
    count = 0
    take = session.take

    def counting() -> bytes | None:
        nonlocal count
        count += 1
        return take()

    session.take = counting  # type: ignore[method-assign]
    return lambda: count


async def test_a_peer_whose_connection_is_full_stops_the_reading(lone: LonePod, bob: User, pod: Pod) -> None:
    lone.command = ("/usr/bin/yes",)
    shell = Visitor(f"/webterminal/{await database(lambda: ticket_for(bob, pod))}")
    shell.socket._output_queue = asyncio.Queue(maxsize=4)
    await shell.open()
    await shell.until_told("ready")
    async with asyncio.timeout(10):
        while not shell.socket.output_queue.full():
            await asyncio.sleep(0.01)
    reads = counted(next(iter(pty.LIVE)))
    await asyncio.sleep(0.2)
    assert reads() <= 1  # the one that was read before the connection was full
    await shell.leave()
    assert not pty.LIVE


async def test_acknowledged_output_goes_on_and_on(visit: Open, lone: LonePod) -> None:
    lone.command = ("/bin/sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' a; exit 0")
    shell = await visit()
    await shell.say(operation="ack", bytes=0)
    acknowledged = 0
    async with asyncio.timeout(20):
        while shell.closed is None:
            await shell.next()
            if shell.closed is None and len(shell.shown) > acknowledged:
                await shell.say(operation="ack", bytes=len(shell.shown) - acknowledged)
                acknowledged = len(shell.shown)
    assert shell.shown.count(b"a") == 3_000_000


BAD_FRAMES: list[tuple[str | bytes, str]] = [
    ("ls", "BAD_MESSAGE"),
    ('{"operation":"reboot"}', "BAD_MESSAGE"),
    ('{"operation":"resize","cols":-1,"rows":1}', "BAD_MESSAGE"),
    ('{"operation":"ack","bytes":123456789}', "BAD_ACK"),
    ("x" * 70_000, "FRAME_TOO_LARGE"),
    (b"x" * 70_000, "FRAME_TOO_LARGE"),
]


async def test_a_bad_frame_is_answered_and_changes_nothing(visit: Open) -> None:
    shell = await visit()
    await shell.until_told("ready")
    for frame, fault in BAD_FRAMES:
        shell.told.clear()
        await shell.socket.send_to(**{"text_data" if isinstance(frame, str) else "bytes_data": frame})
        assert (await shell.until_told("error"))["code"] == fault
    await shell.type("echo st''ill\n")
    await shell.until("still")


async def test_too_many_bad_frames_end_it(visit: Open) -> None:
    shell = await visit()
    await shell.until_told("ready")
    for _ in range(100):
        await shell.socket.send_to(text_data="?")
    assert await shell.until_closed() == 4400


async def test_input_that_no_program_reads_is_refused_at_a_mebibyte(visit: Open, lone: LonePod) -> None:
    lone.command = ("/bin/sh", "-c", "stty raw -echo; echo ready; exec sleep 300")
    shell = await visit()
    await shell.until("ready")
    for _ in range(20):
        await shell.socket.send_to(bytes_data=b"x" * 65_536)
    assert (await shell.until_told("error"))["code"] == "INPUT_FULL"
    await shell.say(operation="ping")
    await shell.until_told("pong")


async def test_a_peer_that_vanishes_leaves_nothing(visit: Open) -> None:
    shell = await visit()
    await shell.until_told("ready")
    await shell.type("sleep 300 & echo pid=$!.; se''tsid sleep 300 & echo pid2=$!.\n")
    shown = await shell.until("pid2=")
    while not (found := re.findall(r"pid2?=(\d+)\.", shown)) or len(found) < 2:
        await shell.next()
        shown = shell.shown.decode()
    await shell.leave()
    assert not pty.LIVE
    assert not [pid for pid in found if runs(pid)]
    record = await database(TerminalSession.objects.get)
    assert record.end_reason == "client_left"
    assert record.ended_at is not None


def runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_consumer_cancelled_at_any_moment_leaves_nothing(lone: LonePod, bob: User, pod: Pod) -> None:
    for moment in range(16):
        shell = Visitor(f"/webterminal/{await database(lambda: ticket_for(bob, pod))}")
        await shell.open()
        await asyncio.sleep(moment * 0.003)
        shell.socket.future.cancel()
        await asyncio.wait({shell.socket.future}, timeout=10)
        assert not pty.LIVE
        assert not consumers.BROKER.tasks
        assert not consumers.BROKER.open_by_user
    assert not await database(TerminalSession.objects.filter(ended_at=None).exists)


async def test_a_restart_of_the_server_is_the_reason_on_record(lone: LonePod, bob: User, pod: Pod) -> None:
    shell = Visitor(f"/webterminal/{await database(lambda: ticket_for(bob, pod))}")
    await shell.open()
    await shell.until_told("ready")
    await shell.socket.disconnect(code=1012, timeout=10)
    assert (await database(TerminalSession.objects.get)).end_reason == "restarting"


async def test_many_cycles_leave_nothing(visit: Open) -> None:
    first = await visit()
    await first.until_told("ready")
    await first.leave()
    before, children = len(os.listdir("/proc/self/fd")), offspring()  # noqa: PTH208
    for _ in range(25):
        shell = await visit()
        await shell.until_told("ready")
        await shell.leave()
    deadline = time.monotonic() + 5
    while len(os.listdir("/proc/self/fd")) > before + 2:  # noqa: PTH208 (threads keep a database connection each)
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert offspring() == children


def offspring() -> str:
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()


async def test_the_token_is_never_logged(visit: Open, bob: User, pod: Pod, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        token = await database(lambda: ticket_for(bob, pod))
        shell = await visit(token=token)
        await shell.until_told("ready")
        await shell.type("exit\n")
        await shell.until_closed()
        again = await visit(token=token)
        await again.until_closed()
    assert token not in caplog.text


async def test_a_shell_that_does_not_start_is_told(visit: Open, lone: LonePod, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left() -> tuple[int, int]:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "openpty", none_left)
    shell = await visit()
    assert await shell.until_closed() == 4503
    assert shell.end["reason"] == "unavailable"


async def test_what_is_typed_before_the_shell_is_there_is_not_lost(visit: Open) -> None:
    shell = await visit()
    await shell.type("echo ea''rly\n")
    await shell.until("early")
