"""Processes that a benchmark starts for itself, on ports and in directories of their own, and ends again."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.harness import BenchFailed, Client

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def process(command: list[str], port: int, **environment: str) -> Iterator[str]:
    """Its URL once it listens."""
    running = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(port, running)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(60)


def wait_for(port: int, running: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if running.poll() is not None or time.monotonic() > deadline:
            raise BenchFailed(f"{running.args!r} did not start")
        time.sleep(0.05)


@contextmanager
def bare() -> Iterator[Client]:
    """daphne with a view that does nothing."""
    port = free_port()
    command = [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port), "bench.bare:application"]
    with process(command, port) as url:
        yield Client(url)


@contextmanager
def platform(data_dir: Path) -> Iterator[Client]:
    """The whole platform as `make run` starts it; the client is the admin's."""
    port, password = free_port(), data_dir / "bench-password"
    if not password.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        password.write_text(secrets.token_urlsafe(12))
    environment = {
        "DATA_DIR": str(data_dir), "HOST": "127.0.0.1", "PORT": str(port), "ADMIN_PASSWORD": password.read_text(),
        "ACCESS_TOKEN_SECONDS": "86400",
    }  # fmt: skip
    with process([sys.executable, "-m", "jobs_platform.launcher"], port, **environment) as url:
        client = Client(url)
        client.log_in("admin", password.read_text())
        yield client
