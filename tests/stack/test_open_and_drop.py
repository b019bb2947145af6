"""Thousands of followers that come and are gone at once, as a page that is opened and closed again and again: the web
process is afterwards as it was before."""

import random
import socket
import sys
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.processes import resident_bytes, wait_until
from tests.stack.actions import Api
from tests.stack.stack import Stack

WARM, CYCLES, AT_ONCE = 600, 2000, 16
GROWTH_BYTES = 16 << 20  # as much as the largest answers at once may leave
SETTLE_SECONDS = 20.0
POOLED, CONNECTION_FILES = 8, 3
PRINTER = "import time\nfor n in range(10**6): print('line', n, flush=True); time.sleep(0.05)"


@dataclass(frozen=True)
class Use:
    descriptors: int
    threads: int
    inotify: int  # files that are watched

    @classmethod
    def of(cls, pid: int) -> "Use":
        watches = [
            line
            for one in Path(f"/proc/{pid}/fdinfo").iterdir()
            for line in text_of(one).splitlines()
            if line.startswith("inotify ")
        ]
        return cls(
            len(list(Path(f"/proc/{pid}/fd").iterdir())), len(list(Path(f"/proc/{pid}/task").iterdir())), len(watches)
        )

    def is_within(self, other: "Use") -> bool:
        """A pool starts its threads when more work comes at once than before, and each may open a connection to the
        database, which is a file and its journals. What thousands of streams leave behind is more than that."""
        return (
            self.threads <= other.threads + POOLED
            and self.descriptors <= other.descriptors + POOLED * CONNECTION_FILES
            and self.inotify <= other.inotify
        )


def text_of(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # closed meanwhile
        return ""


@pytest.fixture
def job_id(api: Api) -> Iterator[str]:
    job_id = api.create([sys.executable, "-I", "-S", "-c", PRINTER])
    api.until(lambda: api.logs(f"{job_id}-1-0"), "a first line")
    yield job_id
    api.delete(job_id)


def requests_for(job_id: str, token: str) -> list[bytes]:
    """What the clients ask for: every kind of stream, of a pod and of a job."""
    common = f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    paths = (f"/api/jobs/{job_id}/pods/{job_id}-1-0/logs", f"/api/jobs/{job_id}/logs")
    upgrade = (
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {b64encode(bytes(16)).decode()}\r\n"
    )
    return [
        f"GET {path}{query} HTTP/1.1\r\n{common}{extra}\r\n".encode()
        for path in paths
        for query, extra in (
            ("?follow=true", "Accept: text/event-stream\r\n"),
            ("?follow=true", "Accept: text/plain\r\n"),
            ("", upgrade),
        )
    ]


def open_and_drop(stack: Stack, asked: bytes, chance: random.Random) -> None:
    """Gone before an answer, after the head, or in the middle of what is sent."""
    with socket.create_connection(("127.0.0.1", stack.port), timeout=30) as connection:
        if chance.random() < 0.2:
            connection.sendall(asked[: len(asked) // 2])
            return
        connection.sendall(asked)
        if chance.random() < 0.7 and connection.recv(64):
            connection.settimeout(0.01)
            try:
                connection.recv(chance.choice([1, 4096]))
            except TimeoutError:
                return


def cycle(stack: Stack, asked: list[bytes], number: int) -> None:
    chance = random.Random(number)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        done = [threads.submit(open_and_drop, stack, chance.choice(asked), random.Random(n)) for n in range(number)]
        for one in done:
            one.result()


def test_followers_that_come_and_go_leave_nothing(stack: Stack, api: Api, job_id: str) -> None:
    web = stack.pid("web")
    asked = requests_for(job_id, api.client.token)
    idle = Use.of(web)
    cycle(stack, asked, WARM)
    wait_until(lambda: Use.of(web).inotify <= idle.inotify, SETTLE_SECONDS, "the end of the first streams")
    before, memory = Use.of(web), resident_bytes(web)
    cycle(stack, asked, CYCLES)
    wait_until(lambda: Use.of(web).is_within(before), SETTLE_SECONDS, f"from {Use.of(web)} back to {before}")
    assert resident_bytes(web) - memory < GROWTH_BYTES
    assert stack.pid("web") == web
    assert api.logs(f"{job_id}-1-0", "?tailLines=1")
