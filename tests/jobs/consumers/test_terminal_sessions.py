"""Sessions of web terminals that outlive a connection, go on at another, and are watched."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import ApiToken, User
from jobs.cluster.local import pty
from jobs.consumers import terminal as consumers
from jobs.models import AuditEntry, Job, Pod, TerminalServer, TerminalSession
from jobs.terminal import attendance, broker, records
from tests.jobs.terminal.pods import LonePod, running_pod
from tests.jobs.terminal.visitor import Visitor, database, ticket_for

pytestmark = pytest.mark.django_db(transaction=True)
DROPPED = 1006
Open = Callable[..., Awaitable[Visitor]]


@pytest.fixture
def pod(job: Job) -> Pod:
    return running_pod(job)


@pytest.fixture
async def lone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LonePod]:
    pod = LonePod(str(tmp_path))
    monkeypatch.setattr(consumers, "BROKER", broker.Broker(pod.for_pool))
    monkeypatch.setattr(attendance, "LOOK_SECONDS", 0.05)
    yield pod
    await consumers.BROKER.close()
    pod.end()
    assert not pty.LIVE


@pytest.fixture
async def visit(bob: User, pod: Pod, lone: LonePod) -> AsyncIterator[Open]:
    """Opens a session, or connects to `session`."""
    visitors: list[Visitor] = []

    async def connect(
        *, user: User = bob, session: TerminalSession | None = None, watch: bool = False, query: str = ""
    ) -> Visitor:
        token = await database(lambda: ticket_for(user, pod, session=session, watch=watch))
        visitor = Visitor(f"/webterminal/{token}{query}")
        visitors.append(visitor)
        await visitor.open()
        return visitor

    yield connect
    for visitor in visitors:
        await visitor.leave()


async def drop(visitor: Visitor) -> None:
    await visitor.socket.disconnect(code=DROPPED, timeout=10)


async def session_of(visitor: Visitor) -> TerminalSession:
    ready = await visitor.until_told("ready")
    session: TerminalSession = await database(lambda: TerminalSession.objects.get(pk=int(ready["sessionId"])))
    return session


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not await database(condition):
            await asyncio.sleep(0.02)


async def test_a_session_outlives_its_connection_and_shows_what_was_there(visit: Open) -> None:
    first = await visit()
    ready = await first.until_told("ready")
    assert (ready["mode"], ready["resumed"], ready["scrollbackBytes"]) == ("write", False, 0)
    assert (ready["owner"], ready["detachSeconds"], ready["recording"]) == ("bob", 600, "off")
    session = await session_of(first)
    await first.type("echo be''fore; KEPT=kept\n")
    await first.until("before")
    await drop(first)
    await until(lambda: TerminalSession.objects.get().detached_at)
    again = await visit(session=session)
    ready = await again.until_told("ready")
    assert (ready["resumed"], ready["sessionId"], ready["mode"]) == (True, str(session.pk), "write")
    await again.until("before")
    assert len(again.shown) <= ready["scrollbackBytes"]
    await again.type("echo sti''ll $KEPT\n")
    await again.until("still kept")
    assert (await database(TerminalSession.objects.get)).detached_at is None
    audited = await database(lambda: AuditEntry.objects.get(action="terminal.attach"))
    assert audited.detail["session"] == session.pk


async def test_who_still_shows_what_it_had_goes_on_without_a_gap(visit: Open) -> None:
    first = await visit()
    session = await session_of(first)
    await first.type("for i in 1 2 3; do echo line $i; sleep 0.1; done; echo do''ne\n")
    await first.until("line 1")
    await drop(first)
    await until(lambda: TerminalSession.objects.get().detached_at)
    again = await visit(session=session, query=f"?since={len(first.shown)}")
    ready = await again.until_told("ready")
    assert ready["position"] - ready["scrollbackBytes"] == len(first.shown)
    await again.until("done")
    whole = (first.shown + again.shown).decode()
    assert [whole.count(f"line {number}\r\n") for number in (1, 2, 3)] == [1, 1, 1]


async def test_a_second_connection_takes_over(visit: Open) -> None:
    first = await visit()
    session = await session_of(first)
    second = await visit(session=session)
    await second.until_told("ready")
    assert await first.until_closed() == 4412
    assert (first.end["reason"], first.end["sessionOpen"]) == ("taken_over", True)
    await second.type("echo mi''ne\n")
    await second.until("mine")
    assert (await database(TerminalSession.objects.get)).detached_at is None


async def test_it_keeps_its_size_unless_given_another(visit: Open) -> None:
    first = await visit(query="?cols=100&rows=30")
    session = await session_of(first)
    await drop(first)
    again = await visit(session=session)
    ready = await again.until_told("ready")
    assert (ready["cols"], ready["rows"]) == (100, 30)
    await drop(again)
    other = await visit(session=session, query="?cols=90&rows=20")
    ready = await other.until_told("ready")
    assert (ready["cols"], ready["rows"]) == (90, 20)
    await other.type("stty size\n")
    await other.until("20 90")


async def test_nobody_comes_back(visit: Open, settings: Any) -> None:
    settings.TERMINAL_DETACHED_SECONDS = 0.3
    first = await visit()
    session = await session_of(first)
    await drop(first)
    await until(lambda: TerminalSession.objects.get().ended_at)
    assert (await database(TerminalSession.objects.get)).end_reason == "detached"
    assert not pty.LIVE
    late = await visit(session=session)
    assert await late.until_closed() == 4404
    assert late.end["reason"] == "session_gone"


async def test_where_nothing_waits_a_dropped_connection_ends_the_session(visit: Open, settings: Any) -> None:
    settings.TERMINAL_DETACHED_SECONDS = 0
    first = await visit()
    await first.until_told("ready")
    await drop(first)
    assert (await database(TerminalSession.objects.get)).end_reason == "client_left"
    assert not pty.LIVE


async def test_what_runs_on_meanwhile_is_not_held_up(visit: Open, tmp_path: Path) -> None:
    first = await visit()
    session = await session_of(first)
    await first.say(operation="ack", bytes=0)
    await first.type("seq 200000; touch finished; echo fini''shed\n")
    await first.until("1\r\n")
    await drop(first)
    await until(lambda: (tmp_path / "finished").exists())
    again = await visit(session=session)
    ready = await again.until_told("ready")
    assert ready["scrollbackBytes"] <= 262_144 + 65_536
    await again.until("finished")
    lines = again.shown.split(b"\r\n")
    assert lines[0].isdigit()
    assert b"200000" in lines


async def test_lost_rights_end_a_session_to_which_nobody_is_connected(visit: Open, settings: Any) -> None:
    settings.AUTHORITY_CHECK_SECONDS = 0.3
    first = await visit()
    await first.until_told("ready")
    await drop(first)
    await database(lambda: ApiToken.objects.update(revoked_at=timezone.now()))
    await until(lambda: TerminalSession.objects.get().end_reason == "not_allowed")


async def test_detached_sessions_count(visit: Open, settings: Any) -> None:
    settings.TERMINALS_PER_USER = 1
    first = await visit()
    session = await session_of(first)
    await drop(first)
    refused = await visit()
    assert await refused.until_closed() == 4409
    again = await visit(session=session)
    await again.until_told("ready")


async def test_it_is_watched_when_its_owner_allows_it(visit: Open, charlie: User) -> None:
    writer = await visit(query="?cols=100&rows=30")
    session = await session_of(writer)
    refused = await visit(user=charlie, session=session, watch=True)
    assert await refused.until_closed() == 4403
    assert refused.end["reason"] == "not_watchable"
    await writer.type("echo fi''rst\n")
    await writer.until("first")
    await database(lambda: TerminalSession.objects.update(watchable=True))
    watcher = await visit(user=charlie, session=session, watch=True)
    ready = await watcher.until_told("ready")
    assert (ready["mode"], ready["owner"], ready["cols"], ready["watchers"]) == ("watch", "bob", 100, ["charlie"])
    await watcher.until("first")
    assert await told(writer, "audience", watchers=["charlie"])
    await watcher.type("echo never\n")
    assert (await watcher.until_told("error"))["code"] == "READ_ONLY"
    await writer.say(operation="resize", cols=90, rows=20)
    assert await told(watcher, "size", cols=90, rows=20)
    await writer.type("echo sec''ond; exit 4\n")
    await watcher.until("second")
    assert await watcher.until_closed() == 1000
    assert (watcher.end["code"], watcher.end["sessionOpen"]) == (4, False)
    assert b"never" not in watcher.shown


async def told(visitor: Visitor, operation: str, **fields: object) -> bool:
    async with asyncio.timeout(10):
        while True:
            for message in visitor.told:
                if message["operation"] == operation and fields.items() <= message.items():
                    return True
            await visitor.next()


async def test_watchers_go_when_the_owner_takes_it_back(visit: Open, charlie: User) -> None:
    writer = await visit()
    session = await session_of(writer)
    await database(lambda: TerminalSession.objects.update(watchable=True))
    watcher = await visit(user=charlie, session=session, watch=True)
    await told(writer, "audience", watchable=True)
    await watcher.until_told("ready")
    await database(lambda: TerminalSession.objects.update(watchable=False))
    assert await watcher.until_closed() == 4403
    assert (watcher.end["reason"], watcher.end["sessionOpen"]) == ("not_watchable", True)
    await writer.type("echo goes o''n\n")
    await writer.until("goes on")


async def test_a_watcher_that_does_not_acknowledge_holds_nobody_up_and_is_skipped(visit: Open, charlie: User) -> None:
    writer = await visit()
    session = await session_of(writer)
    await database(lambda: TerminalSession.objects.update(watchable=True))
    watcher = await visit(user=charlie, session=session, watch=True)
    await watcher.until_told("ready")
    await watcher.say(operation="ack", bytes=0)
    await writer.type("head -c 3000000 /dev/zero | tr '\\0' a; echo th''rough\n")
    await writer.until("through")
    while len(watcher.shown) < 262_144:
        await watcher.next()
    await watcher.say(operation="ack", bytes=len(watcher.shown))
    skipped = await watcher.until_told("skipped")
    await watcher.until("through")
    assert skipped["bytes"] > 1_000_000
    assert len(watcher.shown) + skipped["bytes"] >= 3_000_000


async def test_a_wish_in_the_record_ends_it(visit: Open) -> None:
    shell = await visit()
    await shell.until_told("ready")
    began = time.monotonic()
    await database(lambda: TerminalSession.objects.update(end_request="killed"))
    assert await shell.until_closed() == 4413
    assert time.monotonic() - began < 10
    assert (shell.end["reason"], shell.end["sessionOpen"]) == ("killed", False)
    assert (await database(TerminalSession.objects.get)).end_reason == "killed"


async def test_a_detached_one_ends_so_too(visit: Open) -> None:
    shell = await visit()
    await shell.until_told("ready")
    await drop(shell)
    await database(lambda: TerminalSession.objects.update(end_request="ended"))
    await until(lambda: TerminalSession.objects.get().end_reason == "ended")
    await asyncio.sleep(0)
    assert not pty.LIVE


async def test_its_server_lives_as_long_as_it(visit: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "BEAT_SECONDS", 0.1)
    shell = await visit()
    await shell.until_told("ready")
    before = (await database(TerminalServer.objects.get)).beat_at
    await until(lambda: TerminalServer.objects.get().beat_at > before)


async def test_a_server_that_seemed_dead_ends_what_was_taken_from_it(visit: Open) -> None:
    shell = await visit()
    await shell.until_told("ready")
    await database(lambda: records.close_lost(timezone.now() + timedelta(seconds=60)))
    assert await shell.until_closed() == 1011
    assert (await database(TerminalSession.objects.get)).end_reason == "lost"


async def test_a_server_that_stops_ends_them_all_and_says_why(visit: Open) -> None:
    connected, dropped = await visit(), await visit()
    await connected.until_told("ready")
    await dropped.until_told("ready")
    await drop(dropped)
    await consumers.BROKER.close()
    assert await connected.until_closed() == 1012
    assert (connected.end["reason"], connected.end["sessionOpen"]) == ("restarting", False)
    reasons = await database(lambda: set(TerminalSession.objects.values_list("end_reason", flat=True)))
    assert reasons == {"restarting"}
    assert not pty.LIVE
