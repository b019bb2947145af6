"""Keeps the services running, shows what they print, and stops them.

One thread, one selector: the children's output, their news, and signals (through the wake-up descriptor). A service
that ends is started again, at once after a good run, else after a pause that doubles up to RESTART_MAX.
"""

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from jobs_platform.launcher import process
from jobs_platform.launcher.output import Lines, Terminal
from jobs_platform.launcher.services import Service

GOOD_RUN = 10.0  # seconds
RESTART_MIN = 0.5
RESTART_MAX = 15.0
# Nobody new first (web drains, beat is silent), then who finishes work, last what they talk through.
STOP_STAGES = (("web", "beat"), ("worker", "agent", "prepare", "jobs"), ("redis",))
STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(eq=False)
class Child:
    service: Service
    pid: int
    output: int
    news: int
    lines: Lines
    started: float = field(default_factory=time.monotonic)
    ready: bool = False


class Supervisor:
    def __init__(self, run_dir: Path, terminal: Terminal, private: Iterable[int] = ()) -> None:
        """`private` are the launcher's own descriptors, which no child may hold open."""
        self.run_dir = run_dir
        self.terminal = terminal
        self.children: dict[int, Child] = {}
        self.exits: dict[str, int] = {}  # the last exit code of what has ended
        self.failures: dict[str, int] = {}  # of the services that are kept running
        self.due: dict[str, tuple[float, Service]] = {}
        self.stop_requests = 0
        self.stopping = False
        self.selector = selectors.DefaultSelector()
        self.waker = catch_signals()
        self.selector.register(self.waker, selectors.EVENT_READ, None)
        self.private = (*private, self.waker.fileno())

    def start(self, service: Service) -> None:
        started = process.start(service.name, service.target, private=self.private)
        child = Child(service, started.pid, started.output, started.news, Lines(service.name, self.terminal))
        self.children[child.pid] = child
        self.selector.register(child.output, selectors.EVENT_READ, child)
        self.selector.register(child.news, selectors.EVENT_READ, child)
        self.exits.pop(service.name, None)
        self.pid_file(service.name).write_text(f"{child.pid}\n", encoding="ascii")

    def keep(self, service: Service) -> None:
        """Start it, and start it again whenever it ends."""
        self.failures[service.name] = 0
        self.start(service)

    def pid_file(self, name: str) -> Path:
        return self.run_dir / f"{name}.pid"

    def named(self, names: Iterable[str]) -> list[Child]:
        return [child for child in self.children.values() if child.service.name in names]

    def wait_until(self, condition: Callable[[], bool], seconds: float, poll: float = 0.5) -> bool:
        """Go on working until the condition holds; False when time is over or somebody asks to stop."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() >= deadline or (self.stop_requests and not self.stopping):
                return False
            self.turn(min(poll, max(0.0, deadline - time.monotonic())))
        return True

    def turn(self, seconds: float) -> None:
        """Wait for something to happen, at most this long, and see to it."""
        soonest = min((when for when, _ in self.due.values()), default=float("inf"))
        for key, _ in self.selector.select(max(0.0, min(seconds, soonest - time.monotonic()))):
            if key.data is None:
                self.take_signals()
            elif key.fd not in self.selector.get_map():
                continue  # ended while an earlier event of this turn was seen to
            elif key.fd == key.data.output:
                self.forward(key.data)
            else:
                self.hear(key.data)
        self.start_due()

    def take_signals(self) -> None:
        for number in self.waker.recv(4096):
            self.stop_requests += number in STOPPING_SIGNALS
        self.reap()

    def forward(self, child: Child) -> bool:
        """Show what it has printed; False when there is nothing now."""
        try:
            data = os.read(child.output, 1 << 16)
        except BlockingIOError:
            return False
        child.lines.feed(data)
        if not data:
            self.selector.unregister(child.output)
        return bool(data)

    def hear(self, child: Child) -> None:
        child.ready = bool(os.read(child.news, 16)) or child.ready
        self.selector.unregister(child.news)

    def reap(self) -> None:
        """Only the child itself: what is in its group and outlives it is a training job about to detach itself."""
        while self.children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            child = self.children.pop(pid, None)
            if child:
                self.ended(child, os.waitstatus_to_exitcode(status))

    def ended(self, child: Child, code: int) -> None:
        name = child.service.name
        while child.output in self.selector.get_map() and self.forward(child):
            pass
        child.lines.end()
        for descriptor in (child.output, child.news):
            if descriptor in self.selector.get_map():
                self.selector.unregister(descriptor)
            os.close(descriptor)
        self.pid_file(name).unlink(missing_ok=True)
        self.exits[name] = code
        if name in self.failures and not self.stopping and not self.stop_requests:
            self.schedule(child, code)

    def schedule(self, child: Child, code: int) -> None:
        name = child.service.name
        good = time.monotonic() - child.started > GOOD_RUN
        self.failures[name] = 1 if good else self.failures[name] + 1
        pause = 0.0 if self.failures[name] == 1 else min(RESTART_MAX, RESTART_MIN * 2 ** (self.failures[name] - 2))
        self.due[name] = (time.monotonic() + pause, child.service)
        then = f"next try in {pause:g} s" if pause else "starting it again"
        self.terminal.say(f"{name} (process {child.pid}) {describe(code)}; {then}.{child.service.hint}")

    def start_due(self) -> None:
        for name, (when, service) in list(self.due.items()):
            if when <= time.monotonic():
                del self.due[name]
                self.start(service)

    def stop(self) -> None:
        """Stop everything, stage by stage: SIGTERM, then SIGKILL to what does not end in its time, or, when asked to
        stop a second time, at once."""
        self.stopping = True
        self.due.clear()
        asked = self.stop_requests
        for stage in STOP_STAGES:
            members = self.named(stage)
            for child in members:
                os.kill(child.pid, signal.SIGTERM)
            patience = max((child.service.stop_seconds for child in members), default=0.0)
            self.wait_until(lambda: not self.named(stage) or self.stop_requests > max(asked, 1), patience)  # noqa: B023
            for child in self.named(stage):
                self.terminal.say(f"{child.service.name} does not stop; killing it.")
                os.kill(child.pid, signal.SIGKILL)
            self.wait_until(lambda: not self.named(stage), 5.0)  # noqa: B023


def catch_signals() -> socket.socket:
    """Signals become bytes on this socket."""
    reader, writer = socket.socketpair()
    for end in (reader, writer):
        end.setblocking(False)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    for number in (*STOPPING_SIGNALS, signal.SIGCHLD):
        signal.signal(number, lambda number, frame: None)
    return reader


def describe(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
