"""A recorder writes behind the terminal: in order, within its bounds, and after the project's policy when it cannot."""

import asyncio
import json
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from accounts.models import RecordingPolicy
from jobs.models import TerminalRecording, TerminalSession
from jobs.terminal import recording
from jobs.terminal.broker import in_thread
from jobs.terminal.recorder import NotRecorded, Unrecorded
from jobs.terminal.recording import recorder as recorders
from jobs.terminal.recording.files import RecordingFile, path_of
from jobs.terminal.recording.recorder import FileRecorder
from tests.jobs.terminal.recording.conftest import with_policy

pytestmark = pytest.mark.django_db(transaction=True)
ON, REQUIRED = RecordingPolicy.ON, RecordingPolicy.REQUIRED
Begin = Callable[[RecordingPolicy], Awaitable[FileRecorder]]


class Failures:
    count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def failures() -> Failures:
    return Failures()


@pytest.fixture
def begin(session: TerminalSession, failures: Failures) -> Begin:
    async def begin_one(policy: RecordingPolicy) -> FileRecorder:
        fresh = await in_thread(lambda: with_policy(session, policy))
        recorder = await recording.begin(fresh, fresh.job, fresh.pod, cols=101, rows=31, on_failure=failures)
        assert isinstance(recorder, FileRecorder) or policy == RecordingPolicy.OFF
        return recorder  # type: ignore[return-value]  # Unrecorded only where it is asked for

    return begin_one


async def row() -> TerminalRecording:
    return await in_thread(TerminalRecording.objects.get)


def read(row: TerminalRecording) -> list[Any]:
    return [json.loads(line) for line in path_of(row.public_id).read_text().splitlines()]


class Stuck:
    """A disk that takes nothing until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gate = threading.Event()
        write = RecordingFile.write
        monkeypatch.setattr(RecordingFile, "write", lambda file, lines: self.gate.wait(30) and write(file, lines))


async def test_a_recording_from_its_header_to_its_row(begin: Begin, failures: Failures) -> None:
    recorder = await begin(ON)
    await recorder.output("$ ls 中".encode()[:-1])
    recorder.resized(120, 40)
    await recorder.output("中".encode()[-1:] + b"\r\n")
    await recorder.end()
    await recorder.end()
    kept = await row()
    head, *events = read(kept)
    assert (head["version"], head["width"], head["height"]) == (2, 101, 31)
    assert [event[1:] for event in events] == [["o", "$ ls "], ["r", "120x40"], ["o", "中\r\n"]]
    assert [event[0] for event in events] == sorted(event[0] for event in events)
    assert (kept.state, kept.policy, kept.user_name) == ("complete", "on", "bob")
    assert kept.size_bytes == path_of(kept.public_id).stat().st_size
    assert kept.seconds == pytest.approx(events[-1][0], abs=1e-3)
    assert path_of(kept.public_id).stat().st_mode & 0o777 == 0o600
    assert failures.count == 0


async def test_a_project_without_recording_has_none(begin: Begin) -> None:
    recorder = await begin(RecordingPolicy.OFF)
    assert isinstance(recorder, Unrecorded)
    await recorder.output(b"x")
    await recorder.end()
    assert not await in_thread(TerminalRecording.objects.exists)


async def test_what_was_shown_is_on_the_disk_without_waiting_for_the_end(begin: Begin) -> None:
    recorder = await begin(ON)
    await recorder.output(b"first")
    path = path_of(recorder.row.public_id)
    async with asyncio.timeout(10):
        while b"first" not in path.read_bytes():
            await asyncio.sleep(0.01)
    await recorder.end()


async def test_a_flood_over_a_stuck_disk_is_left_out_with_a_marker(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, disk = await begin(ON), Stuck(monkeypatch)
    async with asyncio.timeout(10):
        for _ in range(100):
            await recorder.output(b"x" * 65_536)
            recorder.resized(80, 24)
    assert recorder.queued < 3 * recorders.QUEUE_BYTES
    disk.gate.set()
    await recorder.end()
    kept = await row()
    events = read(kept)[1:]
    written = sum(len(event[2]) for event in events if event[1] == "o")
    assert kept.left_out_bytes > 0
    assert written + kept.left_out_bytes == 100 * 65_536
    assert [event[2].split()[0] for event in events if event[1] == "m"] == [str(kept.left_out_bytes)]
    assert kept.state == "complete"


async def test_a_required_recording_holds_the_terminal_up_until_it_is_written(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, disk = await begin(REQUIRED), Stuck(monkeypatch)
    output = asyncio.create_task(recorder.output(b"x"))
    done, _ = await asyncio.wait({output}, timeout=0.3)
    assert not done
    disk.gate.set()
    await output
    assert read(recorder.row)[1][1:] == ["o", "x"]
    for _ in range(100):
        await recorder.output(b"y" * 65_536)
    await recorder.end()
    kept = await row()
    assert sum(len(event[2]) for event in read(kept)[1:]) == 1 + 100 * 65_536
    assert kept.left_out_bytes == 0


async def test_a_full_disk_ends_what_must_be_recorded(
    begin: Begin, failures: Failures, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = await begin(REQUIRED)
    await recorder.output(b"before")
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, recorder.file.fd)
    os.close(full)
    async with asyncio.timeout(10):
        with pytest.raises(NotRecorded):
            while True:
                await recorder.output(b"after")
                await asyncio.sleep(0.01)
    await recorder.end()
    assert failures.count == 1
    assert (await row()).state == "failed"


async def test_a_full_disk_does_not_end_what_may_be_recorded(begin: Begin, failures: Failures) -> None:
    recorder = await begin(ON)
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, recorder.file.fd)
    os.close(full)
    async with asyncio.timeout(10):
        while recorder.is_writing:
            await recorder.output(b"after")
            await asyncio.sleep(0.01)
    await recorder.output(b"more")
    await recorder.end()
    assert failures.count == 0
    assert (await row()).state == "failed"


@pytest.mark.parametrize(("policy", "told"), [(ON, 0), (REQUIRED, 1)])
async def test_the_size_limit_is_marked_and_ends_a_required_one(
    policy: RecordingPolicy, told: int, begin: Begin, failures: Failures, settings: Any
) -> None:
    settings.TERMINAL_RECORDING_MAX_BYTES = 4096
    recorder = await begin(policy)
    async with asyncio.timeout(10):
        with suppress(NotRecorded):
            while recorder.is_writing:
                await recorder.output(b"x" * 100)
                await asyncio.sleep(0.011)
    await recorder.end()
    kept = await row()
    assert failures.count == told
    assert kept.state == "limit"
    assert kept.size_bytes < 4096 + 200
    assert read(kept)[-1][1:] == ["m", "The recording ends here: it has met its limit of 4096 bytes"]


@pytest.mark.parametrize("policy", [ON, REQUIRED])
async def test_where_nothing_can_be_written_from_the_first(
    policy: RecordingPolicy, session: TerminalSession, recording_dir: Any, failures: Failures
) -> None:
    recording_dir.write_text("a file where the directory should be")
    fresh = await in_thread(lambda: with_policy(session, policy))
    beginning = recording.begin(fresh, fresh.job, fresh.pod, cols=80, rows=24, on_failure=failures)
    if policy is REQUIRED:
        with pytest.raises(NotRecorded):
            await beginning
    else:
        assert (await beginning).policy == "off"
    kept = await row()
    assert (kept.state, kept.is_open) == ("failed", False)


async def test_an_end_is_not_held_up_by_a_stuck_disk(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorders, "END_SECONDS", 0.1)
    recorder, disk = await begin(ON), Stuck(monkeypatch)
    await recorder.output(b"x")
    async with asyncio.timeout(5):
        await recorder.end()
    assert (await row()).state == "failed"
    disk.gate.set()
    await recorder.pump
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(recorder.file.fd)
