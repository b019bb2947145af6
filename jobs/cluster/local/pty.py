"""A shell on a pseudo-terminal beside the processes of a local pod: the local half of open_exec.

A session belongs to one event loop. The shell is started with posix_spawn: forking a process that has threads is not
safe, and a helper program would cost each terminal an interpreter. The kernel makes the terminal the shell's
controlling one when a fresh session's leader opens it, which is what POSIX_SPAWN_OPEN after setsid does (Linux).
"""

import asyncio
import atexit
import fcntl
import os
import signal
import struct
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jobs.cluster.errors import NotFound, Unavailable
from jobs.cluster.local import sweep
from jobs.cluster.local.pod_process import PodProcess

READ_BYTES = 64 * 1024
# A key pressed in another terminal takes the event loop a few turns to its echo: so that a flood does not have a part
# of each, it lets one turn pass for so many bytes.
TURN_BYTES = 4 * 1024
# More than the kernel holds of a terminal's output: what comes after it is a background child's.
LAST_WORDS_BYTES = 256 * 1024
TERM = "xterm-256color"
# $0 is the directory, "$@" the command: neither is ever part of the script's text.
ENTER = 'cd -- "$0" || cd /; exec "$@"'
LIVE: set["PtySession"] = set()


@dataclass(frozen=True, slots=True)
class Started:
    pid: int
    pidfd: int
    master: int
    pod_pidfd: int
    mark: str


def shell() -> str:
    """$SHELL is the pod's to set, so it is not asked."""
    return "/bin/bash" if Path("/bin/bash").exists() else "/bin/sh"


async def open_session(
    find: Callable[[], PodProcess], *, command: Sequence[str], env: Mapping[str, str], cols: int, rows: int
) -> "PtySession":
    """`find` is called in a thread. Raises what it raises, and Unavailable when nothing can be started."""
    call = partial(start, find, tuple(command) or (shell(),), env, cols=cols, rows=rows)
    starting = asyncio.ensure_future(asyncio.to_thread(call))
    try:
        return PtySession(await asyncio.shield(starting))
    except asyncio.CancelledError:
        # The thread goes on: what it starts has nobody any more, so it is ended as soon as it is there.
        starting.add_done_callback(abandon)
        raise


def abandon(starting: "asyncio.Future[Started]") -> None:
    if not starting.cancelled() and starting.exception() is None:
        discard(starting.result())


def discard(started: Started) -> None:
    for fd in (started.pidfd, started.pod_pidfd, started.master):
        os.close(fd)
    sweep.end(started.pid, started.mark)


def start(
    find: Callable[[], PodProcess], command: Sequence[str], env: Mapping[str, str], *, cols: int, rows: int
) -> Started:
    process = find()
    mark = sweep.new_mark()
    try:
        pid, master = spawn(command, process, {**process.env, "TERM": TERM, **env, sweep.MARK: mark}, cols, rows)
        try:
            return Started(pid, os.pidfd_open(pid), master, process.pidfd, mark)
        except OSError:
            os.close(master)
            sweep.end(pid, mark)
            raise
    except OSError as exc:
        os.close(process.pidfd)
        raise Unavailable(f"the shell could not be started: {exc.strerror}") from exc


def spawn(command: Sequence[str], process: PodProcess, env: Mapping[str, str], cols: int, rows: int) -> tuple[int, int]:
    """(pid, master side of its terminal). Takes about 2 ms. Raises OSError."""
    master, slave = os.openpty()
    try:
        os.set_blocking(master, False)
        set_size(slave, cols=cols, rows=rows)
        pid = os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", ENTER, process.cwd, *command],
            env,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.ttyname(slave), os.O_RDWR, 0),
                (os.POSIX_SPAWN_DUP2, 0, 1),
                (os.POSIX_SPAWN_DUP2, 0, 2),
                *((os.POSIX_SPAWN_CLOSE, fd) for fd in inheritable()),
            ],
            setsid=True,
            # A web process started in the background ignores SIGINT, and Ctrl-C would do nothing in its terminals.
            setsigdef=signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP},
            setsigmask=(),
        )
    except BaseException:
        os.close(master)
        raise
    finally:
        os.close(slave)
    if process.cpus:
        with suppress(OSError):  # it may have ended already
            os.sched_setaffinity(pid, process.cpus)
    return pid, master


def inheritable() -> list[int]:
    """Descriptors that would reach the shell (a listening socket, say): Python's own never do."""
    found = []
    for fd in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208 (numbers, not paths)
        with suppress(OSError):  # the one that listed them
            if fd > 2 and os.get_inheritable(fd):
                found.append(fd)
    return found


def set_size(fd: int, *, cols: int, rows: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


class PtySession:
    """One shell and its terminal (ExecSession). One task reads, one writes."""

    def __init__(self, started: Started) -> None:
        self.pid, self.pidfd, self.master = started.pid, started.pidfd, started.master
        self.pod_pidfd, self.mark = started.pod_pidfd, started.mark
        self.loop = asyncio.get_running_loop()
        self.over: asyncio.Future[int | None] = self.loop.create_future()  # exit code; None is "the pod ended first"
        self.waiters: set[asyncio.Future[None]] = set()
        self.closing: asyncio.Future[None] | None = None
        self.last_words = LAST_WORDS_BYTES
        self.loop.add_reader(self.pidfd, self.shell_ended)
        self.loop.add_reader(self.pod_pidfd, self.pod_ended)
        LIVE.add(self)

    async def read(self) -> bytes:
        """After the shell's end what it printed is still read, and then comes b"": a background child that holds the
        terminal open does not keep it. Always lets other tasks run, so that a flood does not shut out the keyboard."""
        while self.closing is None:
            over = self.over.done()
            data = self.take()
            if data and self.last_words > 0:
                self.last_words -= len(data) if over else 0
                for _ in range(1 + len(data) // TURN_BYTES):
                    await asyncio.sleep(0)
                return data
            if over or data is not None:
                break
            await self.until(self.loop.add_reader, self.loop.remove_reader)
        return b""

    def take(self) -> bytes | None:
        """What is there now, up to READ_BYTES: the kernel hands out 4 KiB at a time.
        None: nothing yet. b"": the end."""
        parts: list[bytes] = []
        size = 0
        while size < READ_BYTES:
            try:
                part = os.read(self.master, READ_BYTES - size)
            except BlockingIOError:
                return b"".join(parts) or None
            except OSError:  # EIO: nobody has the terminal open any more
                break
            if not part:
                break
            parts.append(part)
            size += len(part)
        return b"".join(parts)

    async def write(self, data: bytes) -> None:
        """Waits for a program that does not read. Does nothing after the end."""
        rest = memoryview(data)
        while rest and self.closing is None and not self.over.done():
            try:
                rest = rest[os.write(self.master, rest) :]
            except BlockingIOError:
                await self.until(self.loop.add_writer, self.loop.remove_writer)
            except OSError:
                return

    async def resize(self, *, cols: int, rows: int) -> None:
        if self.closing is None:
            with suppress(OSError):
                set_size(self.master, cols=cols, rows=rows)

    async def wait(self) -> int:
        code = await asyncio.shield(self.over)
        if code is None:
            raise NotFound("the pod has ended")
        return code

    async def aclose(self) -> None:
        """Goes on to the end also when the caller is cancelled."""
        if self.closing is None:
            self.release()
            self.closing = asyncio.ensure_future(asyncio.to_thread(sweep.end, self.pid, self.mark))
            self.closing.add_done_callback(lambda _: LIVE.discard(self))
        await asyncio.shield(self.closing)

    def release(self) -> None:
        """Closing the master hangs the terminal up: the kernel tells the shell and the program in front."""
        self.loop.remove_writer(self.master)
        for fd in (self.pidfd, self.pod_pidfd, self.master):
            self.loop.remove_reader(fd)
            os.close(fd)
        self.wake()
        if not self.over.done():
            self.over.set_result(128 + signal.SIGHUP)

    async def until(self, add: Callable[..., None], remove: Callable[[int], object]) -> None:
        """Until the terminal is ready, or the session over."""
        waiter: asyncio.Future[None] = self.loop.create_future()
        self.waiters.add(waiter)
        add(self.master, self.settle, waiter)
        try:
            await waiter
        finally:
            self.waiters.discard(waiter)
            if self.closing is None:
                remove(self.master)

    @staticmethod
    def settle(waiter: "asyncio.Future[None]") -> None:
        if not waiter.done():
            waiter.set_result(None)

    def wake(self) -> None:
        for waiter in self.waiters:
            self.settle(waiter)

    def shell_ended(self) -> None:
        """Looks at the exit status without reaping: sweep.end needs the pid to stay taken."""
        status = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        if status is None:
            return
        self.loop.remove_reader(self.pidfd)
        exited = status.si_code == os.CLD_EXITED
        self.finish(status.si_status if exited else 128 + status.si_status)

    def pod_ended(self) -> None:
        self.loop.remove_reader(self.pod_pidfd)
        self.finish(None)

    def finish(self, code: int | None) -> None:
        if not self.over.done():
            self.over.set_result(code)
        self.wake()


@atexit.register
def end_all() -> None:
    """The interpreter leaves while terminals are open: nothing of them stays behind."""
    for session in list(LIVE):
        if session.closing is None:
            with suppress(OSError):
                os.close(session.master)
        sweep.end(session.pid, session.mark, grace_seconds=0.1)
