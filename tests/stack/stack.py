"""A whole platform as processes, started with the launcher's own command in a directory of its own."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import requests

from tests.jobs.cluster.worlds import LocalWorld
from tests.processes import free_port, is_running, wait_until

BASE_DIR = Path(__file__).resolve().parent.parent.parent
SERVICES = ("redis", "web", "worker", "beat", "agent")
ADMIN = "admin"
START_SECONDS = 60.0
STOP_SECONDS = 40.0


class Client(requests.Session):
    """A REST client of one user: paths are relative to the platform, the access token goes along."""

    def __init__(self, url: str, *, username: str = "", password: str = "") -> None:
        super().__init__()
        self.url = url
        self.headers["Accept-Language"] = "en"
        if username:
            answer = self.post("/api/auth/token", json={"username": username, "password": password})
            answer.raise_for_status()
            self.token: str = answer.json()["data"]["access"]
            self.headers["Authorization"] = f"Bearer {self.token}"

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", 30)
        return super().request(method, self.url + str(url), *args, **kwargs)


@dataclass
class Stack:
    """One instance. `start` waits until it is ready; `stop` until nothing of it is left, or fails."""

    data_dir: Path
    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    environment: dict[str, str] = field(default_factory=dict)
    launcher: "subprocess.Popen[bytes] | None" = None
    seen: set[int] = field(default_factory=set)  # every process it ever had

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """Everything the launcher has printed so far."""
        return (self.data_dir / "launcher.log").read_text(errors="replace")

    def client(self, username: str = ADMIN, password: str | None = None) -> Client:
        return Client(self.url, username=username, password=password or self.password)

    def anonymous(self) -> Client:
        return Client(self.url)

    def spawn(self, log: IO[bytes] | int) -> "subprocess.Popen[bytes]":
        """What `make run` runs, in a process group of its own as a terminal would make it."""
        environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if name not in ("SECRET_KEY", "DJANGO_SETTINGS_MODULE")
            },
            "DATA_DIR": str(self.data_dir),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "ADMIN_PASSWORD": self.password,
            **self.environment,
        }
        command = [sys.executable, "-m", "jobs_platform.launcher"]
        return subprocess.Popen(
            command, cwd=BASE_DIR, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )

    def start(self) -> "Stack":
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "launcher.log").open("wb") as log:
            self.launcher = self.spawn(log)
        try:
            wait_until(self.is_up, START_SECONDS, "the platform's start")
        except AssertionError as exc:
            self.launcher.kill()
            raise AssertionError(f"{exc}:\n{self.output}") from None
        self.note_processes()
        return self

    def is_up(self) -> bool:
        if self.launcher is None or self.launcher.poll() is not None:
            raise AssertionError("the launcher ended")
        return "Ready in" in self.output

    def pid(self, service: str) -> int:
        """Of the service as it runs now; 0 while it does not."""
        try:
            return int((self.data_dir / "run" / f"{service}.pid").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def note_processes(self) -> None:
        self.seen |= {pid for service in SERVICES if (pid := self.pid(service))}

    def kill(self, service: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send the signal; the pid that got it."""
        pid = wait_until(lambda: self.pid(service), 20.0, f"a running {service}")
        self.seen.add(pid)
        os.kill(pid, number)
        return pid

    def wait_for_restart(self, service: str, old_pid: int, seconds: float = 30.0) -> int:
        """The pid of the service's next process. For web and redis it answers again."""
        pid = wait_until(lambda: (p := self.pid(service)) != old_pid and p, seconds, f"a restart of {service}")
        self.seen.add(pid)
        if service in ("web", "redis"):
            wait_until(lambda: self.readiness().get("redis") == "ready", seconds, f"an answer of {service}")
        return pid

    @contextmanager
    def paused(self, service: str) -> Iterator[None]:
        """The service holds its connections and answers nothing."""
        pid = self.kill(service, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextmanager
    def without(self, service: str) -> Iterator[None]:
        """The service is dead and stays so: the launcher is held, or it would start it again."""
        assert self.launcher is not None
        self.launcher.send_signal(signal.SIGSTOP)
        pid = self.kill(service)
        try:
            yield
        finally:
            self.launcher.send_signal(signal.SIGCONT)
            self.wait_for_restart(service, pid)

    def readiness(self) -> dict[str, Any]:
        """/readyz, or {} while nobody answers."""
        try:
            answer: dict[str, Any] = requests.get(f"{self.url}/readyz", timeout=5).json()
        except (requests.RequestException, ValueError):
            return {}
        return answer

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """As Ctrl-C does; the launcher's exit code. Fails when a process of the platform is left."""
        assert self.launcher is not None
        self.note_processes()
        if self.launcher.poll() is None:
            self.launcher.send_signal(number)
        code = self.launcher.wait(STOP_SECONDS)
        wait_until(lambda: not self.survivors(), 5.0, f"the end of {self.survivors()}")
        return code

    def close(self) -> None:
        """Stop it if it runs, and end its jobs, which outlive the platform on purpose."""
        try:
            if self.launcher and self.launcher.poll() is None:
                self.stop()
        finally:
            LocalWorld(self.data_dir).end_all()

    def survivors(self) -> list[int]:
        return [pid for pid in self.seen if is_running(pid)]
