"""Terminals to measure: web terminals of a running instance, and bare pseudo-terminals to hold them against.

One thread uses a terminal. A flood that runs beside a measurement has a process of its own (Flooding), so that the
client's own interpreter does not become what is measured.
"""

import json
import multiprocessing
import os
import pty
import signal
import socket
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.synchronize import Event
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from bench.harness import BenchFailed, Client

ACK_BYTES = 32 * 1024
RECEIVED_BYTES = 256 * 1024
TIMEOUT = 30.0
CAT = "stty raw -echo; echo ready; exec cat"


class Shell:
    """An open web terminal. It acknowledges what it has read, as a page does, unless it is told not to."""

    def __init__(self, connection: ClientConnection, *, acknowledges: bool = True) -> None:
        self.socket = connection
        self.acknowledges = acknowledges
        self.unsaid = 0
        self.told: list[dict[str, Any]] = []
        self.ready = self.until_told("ready")
        if acknowledges:
            self.say(operation="ack", bytes=0)

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def type(self, data: bytes) -> None:
        self.socket.send(data)

    def read(self, seconds: float = TIMEOUT) -> bytes:
        """The next output. Raises TimeoutError, and ConnectionClosed at the end."""
        while isinstance(frame := self.socket.recv(seconds), str):
            self.told.append(json.loads(frame))
        self.unsaid += len(frame)
        if self.acknowledges and self.unsaid >= ACK_BYTES:
            self.acknowledge()
        return frame

    def acknowledge(self) -> None:
        self.say(operation="ack", bytes=self.unsaid)
        self.unsaid = 0

    def until(self, mark: bytes, seconds: float = TIMEOUT) -> int:
        """How many bytes it took until the mark was shown."""
        deadline, last, count = time.monotonic() + seconds, b"", 0
        while mark not in last:
            frame = self.read(max(0.0, deadline - time.monotonic()))
            last, count = last[-len(mark) :] + frame, count + len(frame)
        return count

    def until_told(self, operation: str) -> dict[str, Any]:
        while not (self.told and self.told[-1]["operation"] == operation):
            with suppress(ConnectionClosed):
                self.read()
                continue
            raise BenchFailed(f"the terminal ended: {self.told[-1:]}")
        return self.told[-1]

    def until_end(self) -> int:
        """How many bytes were shown until the shell ended."""
        count = 0
        with suppress(ConnectionClosed):
            while True:
                count += len(self.read())
        return count

    def drop(self) -> None:
        """The connection alone, as a network that breaks: the session goes on."""
        self.socket.close_socket()


def address(client: Client, job_id: str, session: str = "") -> str:
    path = f"/api/jobs/{job_id}/pods/{job_id}-1-0/webterminal" + (f"?sessionId={session}" if session else "")
    return str(client.call("GET", path).data()["webTerminalUrl"])


@contextmanager
def shell(
    client: Client, job_id: str, *, session: str = "", acknowledges: bool = True, queue: int | None = 2
) -> Iterator[Shell]:
    with opened(address(client, job_id, session), acknowledges=acknowledges, queue=queue) as made:
        yield made


@contextmanager
def opened(url: str, *, acknowledges: bool = True, queue: int | None = 2) -> Iterator[Shell]:
    """Closed as by who is done, which ends the session; unless it was dropped before. `queue`: so many frames wait for
    who reads before the connection is left alone; None: any number, so that a close need not wait for a reader."""
    with connect(url, sock=line(url), max_size=None, compression=None, max_queue=queue) as made:
        yield Shell(made, acknowledges=acknowledges)


def line(url: str) -> socket.socket:
    """A connection that takes little by itself: what is held for a client that stopped is held at the other end."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES)
    made.connect((urlsplit(url).hostname, urlsplit(url).port))
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def flood(url: str, command: bytes, began: Event, over: Event) -> None:
    """Reads what the command prints as fast as it can, until told to stop."""
    with opened(url) as made:
        made.type(command)
        made.until(b"flowing")
        began.set()
        while not over.is_set():
            made.read()
        made.type(b"\x03")


@contextmanager
def flooding(client: Client, job_id: str) -> Iterator[None]:
    """Another session of the same instance prints without end meanwhile."""
    context = multiprocessing.get_context("spawn")
    began, over = context.Event(), context.Event()
    command = b"stty -echo -opost; echo flo''wing; exec yes\n"
    process = context.Process(target=flood, args=(address(client, job_id), command, began, over), daemon=True)
    process.start()
    try:
        if not began.wait(TIMEOUT):
            raise BenchFailed("the flood does not flow")
        yield
    finally:
        over.set()
        process.join(TIMEOUT)
        process.kill()


@contextmanager
def bare(command: str) -> Iterator[int]:
    """The master side of a pseudo-terminal that the command runs on."""
    pid, master = pty.fork()
    if pid == 0:
        os.execv("/bin/sh", ["sh", "-c", command])
    try:
        yield master
    finally:
        os.close(master)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@contextmanager
def bare_cat() -> Iterator[int]:
    with bare(CAT) as master:
        tty.setraw(master)
        shown = b""
        while b"ready" not in shown:
            shown += os.read(master, 100)
        yield master
