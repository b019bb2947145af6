"""The launcher's terminal: lines of all services, each with its name before it, in colour where that is wanted."""

import os
import sys
from typing import IO

COLOURS = {"platform": 1, "redis": 31, "web": 34, "worker": 32, "beat": 33, "agent": 35, "prepare": 36}
WIDTH = 8
LINE_MAX = 64 << 10  # bytes: a longer line is broken


class Terminal:
    """Writes whole lines. When nobody reads any more (`make run | head`) it falls silent instead of failing."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self.stream = stream or sys.stdout
        self.coloured = self.stream.isatty() and not os.environ.get("NO_COLOR")

    def line(self, name: str, text: str) -> None:
        label = f"{name:<{WIDTH}} |"
        if self.coloured:
            label = f"\x1b[{COLOURS.get(name, 37)}m{label}\x1b[0m"
        try:
            self.stream.write(f"{label} {text}\n" if name != "platform" else f"{text}\n")
            self.stream.flush()
        except OSError:
            self.line = lambda name, text: None  # type: ignore[method-assign]

    def say(self, text: str) -> None:
        self.line("platform", text)


class Lines:
    """Cuts one service's bytes into lines."""

    def __init__(self, name: str, terminal: Terminal) -> None:
        self.name = name
        self.terminal = terminal
        self.rest = b""

    def feed(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > LINE_MAX:
            lines.append(self.rest)
            self.rest = b""
        for line in lines:
            self.terminal.line(self.name, line.decode("utf-8", "replace").rstrip("\r"))

    def end(self) -> None:
        if self.rest:
            self.feed(b"\n")
