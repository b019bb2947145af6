"""A container's log as containerd writes it and the kubelet rotates it.

A record is `<time> <stdout|stderr> <F|P> <text>`: P for a part of a line, which is longer than 16 KiB or never got its
newline (containerd internal/cri/io/logger.go)."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

LINE_BYTES = 16 * 1024


class Stamp:
    """RFC 3339 with nine digits of a second."""

    def __init__(self) -> None:
        self.second = -1
        self.text = b""

    def __call__(self, time_ns: int) -> bytes:
        second, rest = divmod(time_ns, 1_000_000_000)
        if second != self.second:
            self.second = second
            self.text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        return b"%s.%09dZ" % (self.text, rest)


class ContainerLog:
    """For the event loop that owns it. `turn` counts rotations."""

    def __init__(self, path: Path, *, limit: Callable[[], int], clock_ns: Callable[[], int]) -> None:
        self.path, self.limit, self.clock_ns = path, limit, clock_ns
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = path.open("ab", buffering=0)
        self.size = 0
        self.turn = 0
        self.stamp = Stamp()
        self.rest = {"stdout": b"", "stderr": b""}
        self.changed = asyncio.Event()
        self.closed = False

    def feed(self, stream: str, data: bytes) -> None:
        *lines, rest = (self.rest[stream] + data).split(b"\n")
        records = [record for line in lines for record in self.records(stream, line)]
        while len(rest) > LINE_BYTES:
            records.append(self.record(stream, b"P", rest[:LINE_BYTES]))
            rest = rest[LINE_BYTES:]
        self.rest[stream] = rest
        self.write(b"".join(records))

    def records(self, stream: str, line: bytes) -> list[bytes]:
        parts = [line[at : at + LINE_BYTES] for at in range(0, len(line), LINE_BYTES)] or [b""]
        return [self.record(stream, b"P", part) for part in parts[:-1]] + [self.record(stream, b"F", parts[-1])]

    def record(self, stream: str, tag: bytes, text: bytes) -> bytes:
        return b"%s %s %s %s\n" % (self.stamp(self.clock_ns()), stream.encode(), tag, text)

    def end_of(self, stream: str) -> None:
        """What was printed last, without a newline, is a part of a line for ever."""
        rest, self.rest[stream] = self.rest[stream], b""
        if rest:
            self.write(self.record(stream, b"P", rest))

    def write(self, data: bytes) -> None:
        if self.closed or not data:
            return
        if self.size >= self.limit():
            self.rotate()
        self.file.write(data)
        self.size += len(data)
        self.tell()

    def rotate(self) -> None:
        """The newest file is the log; of the older ones the last is kept, and nobody can read it through the API."""
        self.file.close()
        self.path.replace(self.path.with_suffix(".log.old"))
        self.file = self.path.open("ab", buffering=0)
        self.size = 0
        self.turn += 1
        self.tell()

    def close(self) -> None:
        if not self.closed:
            for stream in self.rest:
                self.end_of(stream)
            self.closed = True
            self.file.close()
            self.tell()

    def tell(self) -> None:
        """Wakes everybody who waits for a change now."""
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def last_words(self, *, lines: int = 80, size: int = 2048) -> str:
        """For terminationMessagePolicy FallbackToLogsOnError."""
        texts = [record.split(b" ", 3) for record in self.path.read_bytes()[-4 * size :].splitlines()[-lines:]]
        shown = b"\n".join(text[3] for text in texts if len(text) == 4)
        return shown[-size:].decode(errors="replace")
