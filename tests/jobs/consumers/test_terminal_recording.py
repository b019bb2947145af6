"""Terminals of a project that records them: what is shown is in the recording, and without it nothing is shown."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Project, User
from jobs.cluster.local import pty
from jobs.consumers import terminal as consumers
from jobs.models import Job, Pod, TerminalRecording
from jobs.terminal import broker
from jobs.terminal.recording.files import RecordingFile, path_of
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
    yield pod
    await consumers.BROKER.close()
    pod.end()
    assert not pty.LIVE


@pytest.fixture
async def visit(bob: User, pod: Pod, lone: LonePod, settings: Any, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens a terminal in a project of that policy."""
    settings.RECORDING_DIR = tmp_path / "recordings"
    visitors: list[Visitor] = []

    async def open_one(policy: str) -> Visitor:
        await database(lambda: Project.objects.update(recording=policy))
        visitor = Visitor(f"/webterminal/{await database(lambda: ticket_for(bob, pod))}?cols=101&rows=31")
        visitors.append(visitor)
        return await visitor.open()

    yield open_one
    for visitor in visitors:
        await visitor.leave()


async def row() -> TerminalRecording:
    found: TerminalRecording = await database(lambda: TerminalRecording.objects.select_related("session").get())
    return found


async def recorded() -> list[Any]:
    return [json.loads(line) for line in path_of((await row()).public_id).read_bytes().splitlines()]


def output(events: list[Any]) -> str:
    return "".join(text for _at, kind, text in events[1:] if kind == "o")


@pytest.mark.parametrize("policy", ["on", "required"])
async def test_what_is_shown_is_what_is_recorded(policy: str, visit: Open) -> None:
    shell = await visit(policy)
    ready = await shell.until_told("ready")
    assert ready["recording"] == policy
    await shell.type("echo h''i 中文\n")
    await shell.until("hi 中文")
    await shell.say(operation="resize", cols=120, rows=40)
    await shell.type("stty size\n")
    await shell.until("40 120")
    await shell.type("exit 7\n")
    assert await shell.until_closed() == 1000
    kept, events = await row(), await recorded()
    assert output(events) == shell.shown.decode()
    assert (events[0]["width"], events[0]["height"]) == (101, 31)
    assert [text for _at, kind, text in events[1:] if kind == "r"] == ["120x40"]
    assert (kept.state, kept.policy, kept.user_name) == ("complete", policy, "bob")
    assert kept.session is not None
    assert (str(kept.session.pk), kept.session.end_reason) == (ready["sessionId"], "exited")


async def test_a_password_that_is_not_echoed_is_not_in_it(visit: Open) -> None:
    shell = await visit("required")
    await shell.until_told("ready")
    await shell.type("stty -echo; echo re''ady; read word; stty echo; echo length ${#word}\n")
    await shell.until("ready")
    await shell.type("canary-1f3c\n")
    await shell.until("length 11")
    await shell.type("exit\n")
    await shell.until_closed()
    assert "canary" not in output(await recorded())


async def test_nothing_is_recorded_where_the_project_does_not_want_it(visit: Open) -> None:
    shell = await visit("off")
    assert (await shell.until_told("ready"))["recording"] == "off"
    assert not await database(TerminalRecording.objects.exists)


async def test_no_shell_starts_where_it_must_be_recorded_and_cannot_be(
    visit: Open, lone: LonePod, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RECORDING_DIR.write_text("a file where the directory should be")
    monkeypatch.setattr(LonePod, "open_exec", None)
    shell = await visit("required")
    assert await shell.until_closed() == 4507
    assert shell.end["reason"] == "not_recorded"
    assert "must be recorded" in shell.end["message"]
    assert shell.shown == b""


async def test_it_opens_all_the_same_where_it_may_be_recorded_and_cannot_be(visit: Open, settings: Any) -> None:
    settings.RECORDING_DIR.write_text("a file where the directory should be")
    shell = await visit("on")
    assert (await shell.until_told("ready"))["recording"] == "off"
    await shell.type("echo h''i\n")
    await shell.until("hi")


async def test_a_required_recording_that_is_full_ends_the_terminal(visit: Open, settings: Any) -> None:
    settings.TERMINAL_RECORDING_MAX_BYTES = 50_000
    shell = await visit("required")
    await shell.until_told("ready")
    await shell.type("yes\n")
    assert await shell.until_closed() == 4507
    assert shell.end["reason"] == "not_recorded"
    kept = await row()
    assert kept.state == "limit"
    assert kept.session is not None
    assert kept.session.end_reason == "not_recorded"
    assert output(await recorded()).startswith(shell.shown.decode())


async def test_a_disk_that_fails_ends_a_required_terminal_that_shows_nothing_meanwhile(
    visit: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = await visit("required")
    await shell.type("echo h''i\n")
    await shell.until("hi")

    def fail(_file: RecordingFile, _lines: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RecordingFile, "write", fail)
    shown = shell.shown
    await shell.type("x")
    assert await shell.until_closed() == 4507
    assert output(await recorded()).startswith(shown.decode())


async def test_a_full_recording_ends_and_the_terminal_does_not_where_it_need_not(visit: Open, settings: Any) -> None:
    settings.TERMINAL_RECORDING_MAX_BYTES = 2000
    shell = await visit("on")
    await shell.until_told("ready")
    await shell.type("seq 1000; echo d''one\n")
    await shell.until("done")
    assert re.search(r"\b1000\b", shell.shown.decode())
    await shell.type("exit\n")
    assert await shell.until_closed() == 1000
    assert (await row()).state == "limit"


async def test_it_goes_on_while_nobody_is_connected(visit: Open) -> None:
    shell = await visit("on")
    await shell.until_told("ready")
    await shell.type("sleep 0.3; echo al''one\n")
    await shell.until("al''one")
    await shell.socket.disconnect(code=DROPPED, timeout=10)
    async with asyncio.timeout(10):
        while "alone" not in output(await recorded()):
            await asyncio.sleep(0.02)
