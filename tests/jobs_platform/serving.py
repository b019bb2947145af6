"""Start and stop a server process for a test."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.processes import free_port, resident_bytes, wait_until

BASE_DIR = Path(__file__).resolve().parent.parent.parent


@dataclass
class Served:
    process: "subprocess.Popen[bytes]"
    port: int
    notes: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def memory(self) -> int:
        return resident_bytes(self.process.pid)

    def get(self, path: str, **options: object) -> requests.Response:
        return requests.get(self.url + path, timeout=30, **options)  # type: ignore[arg-type]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def note(self, name: str) -> str | None:
        path = self.notes / name
        return path.read_text() if path.exists() else None

    def wait_for_note(self, name: str, seconds: float = 15.0) -> str:
        wait_until(lambda: self.note(name) is not None, seconds, f"the note {name}")
        return self.note(name) or ""

    def settled(self, name: str) -> int:
        """The number in the note once it has stopped growing for a second (20 looks)."""
        seen: list[int] = []

        def is_steady() -> bool:
            seen.append(int(self.note(name) or 0))
            return len(seen) > 20 and seen[-1] == seen[-20] > 0

        wait_until(is_steady, 30.0, f"an end to the growth of {name}")
        return seen[-1]

    def ask_to_stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def is_up(self) -> bool:
        assert self.process.poll() is None, "the server has ended"
        return self.is_listening()

    def is_listening(self) -> bool:
        try:
            self.connect().close()
        except OSError:
            return False
        return True


@contextmanager
def served(notes: Path, **environment: str) -> Iterator[Served]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.jobs_platform.served", str(port)],
        cwd=BASE_DIR,
        env={**os.environ, "NOTES": str(notes), **environment},
    )
    server = Served(process, port, notes)
    try:
        wait_until(server.is_up, 30.0, "the server's start")
        yield server
    finally:
        process.kill()
        process.wait()
