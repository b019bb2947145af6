"""Terminals on real pseudo-terminals, beside a real process that stands for the pod."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from jobs.cluster.errors import NotFound, Unavailable
from jobs.cluster.local import pty, sweep
from jobs.cluster.local.pod_process import PodProcess
from jobs.cluster.local.pty import PtySession
from tests.jobs.cluster.terminals import rest, until

ROOT = Path(__file__).parents[4]
Open = Callable[..., Awaitable[PtySession]]


@pytest.fixture
def pod() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
async def shell(pod: subprocess.Popen[bytes], tmp_path: Path) -> AsyncIterator[Open]:
    opened: list[PtySession] = []

    async def open_one(*command: str, cpus: frozenset[int] = frozenset(), cwd: str = str(tmp_path)) -> PtySession:
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PS1": "$ ", "JOB_ID": "job-1"}
        session = await pty.open_session(
            lambda: PodProcess(os.pidfd_open(pod.pid), cwd, env, cpus), command=command, env={}, cols=80, rows=24
        )
        opened.append(session)
        return session

    yield open_one
    for session in opened:
        await session.aclose()


def descriptors() -> set[str]:
    return {os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if fd_exists(fd)}  # noqa: PTH208, PTH115


def fd_exists(fd: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{fd}")


async def gone(pid: int, *, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists() and state(pid) != "Z":
        assert time.monotonic() < deadline, f"process {pid} still runs"
        await asyncio.sleep(0.01)


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


async def test_it_runs_in_the_pods_directory_with_its_environment(shell: Open, tmp_path: Path) -> None:
    session = await shell()
    await session.write(b"echo id=$JOB_ID term=$TERM; pwd; tty; exit 7\n")
    shown = await rest(session)
    assert "id=job-1 term=xterm-256color" in shown
    assert str(tmp_path) in shown
    assert "/dev/pts/" in shown
    assert await session.wait() == 7


async def test_a_directory_that_is_gone_still_gives_a_shell(shell: Open) -> None:
    session = await shell(cwd="/nowhere $(touch /tmp/never) '\"")
    await session.write(b"pwd; exit\n")
    assert "\r/\r\n" in await rest(session)
    assert not Path("/tmp/never").exists()


async def test_it_knows_the_size_and_its_changes(shell: Open) -> None:
    session = await shell()
    await session.write(b"stty size\n")
    await until(session, "24 80")
    await session.resize(cols=133, rows=41)
    await session.write(b"stty size\n")
    await until(session, "41 133")


async def test_a_signal_is_told_as_128_and_its_number(shell: Open) -> None:
    session = await shell("/bin/sh", "-c", "kill -9 $$")
    await rest(session)
    assert await session.wait() == 137


async def test_nothing_of_the_server_reaches_the_shell(shell: Open) -> None:
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    try:
        session = await shell("/bin/ls", "/proc/self/fd")
        shown = await rest(session)
    finally:
        os.close(read_end)
        os.close(write_end)
    assert shown.split() == ["0", "1", "2", "3"]  # 3 is the directory that ls reads


INTERRUPTIBLE = "trap 'echo interrupted; exit 5' INT; echo started; while :; do {body}; done"


async def test_ctrl_c_works_also_when_the_server_ignores_it(shell: Open) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        session = await shell("/bin/sh", "-c", INTERRUPTIBLE.format(body="sleep 0.02"))
    finally:
        signal.signal(signal.SIGINT, before)
    await until(session, "started\r\n")
    await session.write(b"\x03")
    await until(session, "interrupted")
    assert await session.wait() == 5


async def test_ctrl_c_ends_a_flood_that_nobody_reads(shell: Open) -> None:
    session = await shell("/bin/sh", "-c", INTERRUPTIBLE.format(body="yes"))
    await until(session, "y\r\ny")
    await session.write(b"\x03")
    await until(session, "interrupted")
    assert await session.wait() == 5


async def test_a_flood_stops_when_nobody_reads(shell: Open, tmp_path: Path) -> None:
    session = await shell("/bin/bash", "-c", "i=0; while :; do echo 0123456789; i=$((i+1)); echo $i >written; done")
    await until(session, "0123456789")

    def lines() -> int:
        return int((tmp_path / "written").read_text().strip() or 0)

    before, still = -1, 0
    async with asyncio.timeout(20):
        while still < 20:  # stands still for a fifth of a second
            await asyncio.sleep(0.01)
            still = still + 1 if (now := lines()) == before else 0
            before = now
    assert before * 12 < 1 << 18  # what a kernel buffer holds, and no more


async def test_a_flood_lets_other_tasks_run(shell: Open) -> None:
    session = await shell("/usr/bin/yes")
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counter = asyncio.create_task(count())
    size = 0
    while size < 4 << 20:
        size += len(await session.read())
    counter.cancel()
    assert turns >= size // pty.TURN_BYTES


async def test_large_input_arrives_whole(shell: Open) -> None:
    session = await shell("/bin/sh", "-c", "stty raw -echo; echo go; head -c 1000000 | sha256sum")
    await until(session, "go")
    data = bytes(range(256)) * 4000
    writing = asyncio.create_task(session.write(data[:1_000_000]))
    await until(session, hashlib.sha256(data[:1_000_000]).hexdigest(), seconds=30)
    await writing


async def test_what_was_printed_last_is_read_although_a_child_holds_the_terminal(shell: Open) -> None:
    session = await shell("/bin/sh", "-c", "sleep 300 & echo last words")
    assert "last words" in await rest(session)
    assert await session.wait() == 0


async def test_a_child_that_floods_does_not_keep_the_terminal_open(shell: Open) -> None:
    session = await shell("/bin/sh", "-c", "yes & exit 3")
    await rest(session)
    assert await session.wait() == 3


@pytest.mark.parametrize(
    "command",
    [
        "sleep 300 & echo pid=$!.",
        "nohup sleep 300 >nohup.out 2>&1 & echo pid=$!.",
        "setsid sleep 300 & echo pid=$!.",
        "(trap '' HUP TERM; sleep 300) & echo pid=$!.",
        "sleep 300 & kill -STOP $!; echo pid=$!.",
    ],
)
async def test_closing_leaves_no_process(shell: Open, command: str) -> None:
    session = await shell()
    await session.write(command.encode() + b" echo se''nt\n")
    shown = await until(session, "sent\r\n")
    child = int(shown.rpartition("pid=")[2].partition(".")[0])
    await session.aclose()
    await gone(child)
    assert not sweep.members(session.pid, session.mark)
    assert not Path(f"/proc/{session.pid}").exists()


async def test_the_pods_end_ends_the_terminal(shell: Open, pod: subprocess.Popen[bytes]) -> None:
    session = await shell()
    await session.write(b"echo he''re\n")
    await until(session, "here\r\n")
    pod.kill()
    await rest(session)
    with pytest.raises(NotFound):
        await session.wait()
    await session.aclose()
    assert not Path(f"/proc/{session.pid}").exists()


async def test_closing_wakes_who_reads_and_who_writes(shell: Open) -> None:
    session = await shell("/bin/sh", "-c", "stty raw -echo; echo ready; exec sleep 300")
    await until(session, "ready")
    reading = asyncio.create_task(session.read())
    writing = asyncio.create_task(session.write(b"x" * 1_000_000))
    await asyncio.sleep(0)
    await session.aclose()
    assert await reading == b""
    await writing
    assert await session.read() == b""


async def test_a_cancelled_close_still_closes(shell: Open) -> None:
    session = await shell()
    closing = asyncio.create_task(session.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await gone(session.pid)


async def test_a_cancelled_opening_leaves_nothing(pod: subprocess.Popen[bytes], tmp_path: Path) -> None:
    before = descriptors()
    for _ in range(5):
        opening = asyncio.create_task(
            pty.open_session(
                lambda: PodProcess(os.pidfd_open(pod.pid), str(tmp_path), {}),
                command=("/bin/sleep", "611.25"),
                env={},
                cols=80,
                rows=24,
            )
        )
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    async with asyncio.timeout(10):
        while descriptors() != before or running("611.25"):
            await asyncio.sleep(0.01)


def running(argument: str) -> list[int]:
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                if argument.encode() in (path / "cmdline").read_bytes().split(b"\0"):
                    found.append(int(path.name))
            except OSError:
                continue
    return found


async def test_a_command_that_cannot_start_says_so_on_the_terminal(shell: Open) -> None:
    session = await shell("/no/such/command")
    assert "/no/such/command" in await rest(session)
    assert await session.wait() == 127


async def test_no_terminal_left_is_unavailable(
    pod: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left() -> tuple[int, int]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "openpty", none_left)
    before = descriptors()
    with pytest.raises(Unavailable):
        await pty.open_session(
            lambda: PodProcess(os.pidfd_open(pod.pid), str(tmp_path), {}), command=(), env={}, cols=80, rows=24
        )
    assert descriptors() == before


async def test_it_runs_on_the_pods_cpus(shell: Open) -> None:
    cpu = min(os.sched_getaffinity(0))
    session = await shell(cpus=frozenset({cpu}))
    await session.write(b"grep -i cpus_allowed_list /proc/self/status; exit\n")
    assert f"Cpus_allowed_list:\t{cpu}\r\n" in (await rest(session)).replace("        ", "\t")


SERVER = """
import os, subprocess, sys
from jobs.cluster.local import sweep
mark, seconds = sweep.new_mark(), sys.argv[1]
for command in (["sleep", seconds], ["sh", "-c", "trap '' HUP TERM; sleep $0 & wait", seconds]):
    subprocess.Popen(command, start_new_session=True, env={**os.environ, sweep.MARK: mark})
print("started", flush=True)
sys.stdin.read()
"""


async def test_what_a_killed_server_left_is_ended_and_nothing_else(shell: Open) -> None:
    seconds = f"612.{os.getpid()}"
    command = [sys.executable, "-c", SERVER, seconds]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as server:
        assert server.stdout is not None
        server.stdout.readline()
        session = await shell()
        sweep.end_abandoned()
        served = running(seconds)
        server.kill()
    assert len(served) >= 3
    assert sweep.end_abandoned() >= 1
    assert not running(seconds)
    await session.write(b"echo st''ill; exit\n")
    assert "still" in await rest(session)


async def test_many_cycles_leave_nothing(shell: Open) -> None:
    first = await shell()
    await first.aclose()
    before = descriptors()
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    for _ in range(40):
        session = await shell()
        await session.write(b"sleep 300 &\n")
        await session.read()
        await session.aclose()
    assert descriptors() == before
    assert Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text() == children
    assert not pty.LIVE
