"""Containers' processes: real ones of this machine, started with posix_spawn (forking beside threads is not safe).

A container has no walls here. What belongs to it is known by a variable that its processes inherit, and ends with it,
as a PID namespace would see to."""

import asyncio
import fcntl
import os
import pty
import secrets
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.kube.kubelet import watchdog

MARK = watchdog.MARK
# $0 is the directory, "$@" the command: neither is ever part of the script's text.
ENTER = 'cd -- "$0" || exit 1; exec "$@"'
PIPE_BYTES = 64 * 1024


class StartError(Exception):
    """The message is runc's."""


def check_command(argv: Sequence[str], path: str, cwd: str) -> None:
    """Raises StartError, worded as Go's exec.LookPath does."""
    if not argv:
        raise StartError("no command specified")
    name = argv[0]
    if "/" not in name:
        if shutil.which(name, path=path) is None:
            raise StartError(f'exec: "{name}": executable file not found in $PATH')
        return
    where = Path(cwd) / name
    if not where.exists():
        raise StartError(f'exec: "{name}": stat {name}: no such file or directory')
    if where.is_dir() or not os.access(where, os.X_OK):
        raise StartError(f'exec: "{name}": permission denied')


class Process:
    """`ended` has its exit code: 128 and the number for a signal. `outputs`: stream → descriptor to read."""

    def __init__(self, pid: int, stdin: int | None, outputs: dict[str, int], *, is_tty: bool) -> None:
        self.pid, self.stdin, self.outputs, self.is_tty = pid, stdin, outputs, is_tty
        self.loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[int] = self.loop.create_future()
        self.pidfd = os.pidfd_open(pid)
        self.loop.add_reader(self.pidfd, self.reap)

    def reap(self) -> None:
        self.loop.remove_reader(self.pidfd)
        os.close(self.pidfd)
        _, status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if not self.ended.done():
            self.ended.set_result(code if code >= 0 else 128 - code)

    def send(self, number: signal.Signals) -> None:
        if not self.ended.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def close_stdin(self) -> None:
        """A terminal stays: the end of its input is a character."""
        if self.stdin is not None and not self.is_tty:
            self.loop.remove_writer(self.stdin)
            os.close(self.stdin)
            self.stdin = None

    def close(self) -> None:
        self.close_stdin()
        for fd in self.outputs.values():
            self.loop.remove_reader(fd)
            os.close(fd)
        self.outputs = {}
        self.stdin = None

    def resize(self, *, cols: int, rows: int) -> None:
        if self.is_tty and self.stdin is not None:
            with suppress(OSError):
                fcntl.ioctl(self.stdin, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def spawn(argv: Sequence[str], env: Mapping[str, str], cwd: str, *, stdin: bool = False) -> Process:
    """With pipes. Raises StartError."""
    check_command(argv, env.get("PATH", ""), cwd)
    inside: list[int] = []
    outside: list[int] = []
    actions: list[tuple[object, ...]] = []
    if stdin:
        theirs, ours = os.pipe()
        inside.append(theirs)
        outside.append(ours)
        actions.append((os.POSIX_SPAWN_DUP2, theirs, 0))
    else:
        actions.append((os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0))
    for number in (1, 2):
        ours, theirs = os.pipe()
        inside.append(theirs)
        outside.append(ours)
        actions.append((os.POSIX_SPAWN_DUP2, theirs, number))
    pid = start(argv, env, cwd, actions, inside)
    for fd in outside:
        os.set_blocking(fd, False)
    outputs = dict(zip(("stdout", "stderr"), outside[-2:], strict=True))
    return Process(pid, outside[0] if stdin else None, outputs, is_tty=False)


def spawn_tty(argv: Sequence[str], env: Mapping[str, str], cwd: str) -> Process:
    """On a terminal of its own, which the kernel makes the controlling one when a fresh session's leader opens it."""
    check_command(argv, env.get("PATH", ""), cwd)
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    actions: list[tuple[object, ...]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.ttyname(slave), os.O_RDWR, 0),
        (os.POSIX_SPAWN_DUP2, 0, 1),
        (os.POSIX_SPAWN_DUP2, 0, 2),
    ]
    pid = start(argv, env, cwd, actions, [slave])
    return Process(pid, master, {"stdout": master}, is_tty=True)


def start(
    argv: Sequence[str], env: Mapping[str, str], cwd: str, actions: list[tuple[object, ...]], inside: list[int]
) -> int:
    """`inside`: the child's ends, closed here."""
    try:
        return os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", ENTER, cwd, *argv],
            env,
            file_actions=[*actions, *((os.POSIX_SPAWN_CLOSE, fd) for fd in inheritable())],
            setsid=True,
            setsigdef=signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP},
            setsigmask=(),
        )
    except (OSError, ValueError) as exc:
        raise StartError(f"exec: {exc}") from exc
    finally:
        for fd in inside:
            os.close(fd)


def inheritable() -> list[int]:
    found = []
    for fd in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208 (numbers, not paths)
        with suppress(OSError):  # the one that listed them
            if fd > 2 and os.get_inheritable(fd):
                found.append(fd)
    return found


class Fences:
    """What keeps a server's processes together. `token` tells them from those of other servers."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(8)
        self.guard = subprocess.Popen(
            [sys.executable, "-S", "-E", watchdog.__file__, self.token],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self.live: set[Process] = set()

    def adopt(self, process: Process) -> Process:
        self.live.add(process)
        process.ended.add_done_callback(lambda _: self.live.discard(process))
        return process

    def mark(self, container_id: str) -> dict[str, str]:
        return {MARK: f"{self.token}.{container_id}"}

    async def end(self, container_id: str = "") -> None:
        """All of one container, or of the server."""
        prefix = f"{MARK}={self.token}.{container_id}".encode()
        await asyncio.to_thread(watchdog.end_marked, prefix)

    async def close(self) -> None:
        """End everything, and wait until it is reaped."""
        await self.end()
        if ends := [process.ended for process in self.live]:
            await asyncio.wait(ends, timeout=5)
        await asyncio.to_thread(self.guard.communicate)


async def drain(process: Process, feed: Callable[[str, bytes], None]) -> None:
    """Everything the process prints, until nobody has its pipes open any more."""
    loop = asyncio.get_running_loop()
    ends: list[asyncio.Future[None]] = []
    for stream, fd in process.outputs.items():
        end: asyncio.Future[None] = loop.create_future()
        ends.append(end)
        loop.add_reader(fd, take, fd, stream, feed, end)
    await asyncio.gather(*ends)


def take(fd: int, stream: str, feed: Callable[[str, bytes], None], end: "asyncio.Future[None]") -> None:
    try:
        data = os.read(fd, PIPE_BYTES)
    except BlockingIOError:
        return
    if data:
        feed(stream, data)
        return
    asyncio.get_running_loop().remove_reader(fd)
    if not end.done():
        end.set_result(None)
