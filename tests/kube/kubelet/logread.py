"""Reading a container's log, as the kubelet does it for the API server (pkg/kubelet/kuberuntime/logs)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import BinaryIO

from tests.kube.kubelet.crilog import ContainerLog, Stamp
from tests.kube.kubelet.timing import Timing

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class LogOptions:
    """`since_ns` is in whole seconds when it comes from sinceTime: metav1.Time has no fractions."""

    follow: bool = False
    since_ns: int | None = None
    tail: int | None = None
    limit: int | None = None
    timestamps: bool = False


class Writer:
    """Turns records into what the client gets: a time stands at the beginning of a line, not of each part of it."""

    def __init__(self, options: LogOptions) -> None:
        self.since = Stamp()(options.since_ns) if options.since_ns is not None else b""
        self.timestamps = options.timestamps
        self.left = options.limit
        self.at_line_start = True
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        *records, self.rest = (self.rest + data).split(b"\n")
        return self.cut(b"".join(self.text(record) for record in records))

    def text(self, record: bytes) -> bytes:
        time, _, tag, text = record.split(b" ", 3)
        if time < self.since:
            return b""
        prefix = time + b" " if self.timestamps and self.at_line_start else b""
        self.at_line_start = tag == b"F"
        return prefix + text + (b"\n" if tag == b"F" else b"")

    def cut(self, text: bytes) -> bytes:
        if self.left is None:
            return text
        text = text[: self.left]
        self.left -= len(text)
        return text

    @property
    def is_full(self) -> bool:
        return self.left == 0


def tail_start(file: BinaryIO, tail: int) -> int:
    """Where the last `tail` records begin; parts of a line count, as they do there."""
    data = file.read()
    at = len(data)
    for _ in range(tail):
        if at == 0:
            break
        at = data.rfind(b"\n", 0, at - 1) + 1
    return at if tail else len(data)


async def read_log(
    log: ContainerLog, options: LogOptions, timing: Timing, is_over: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Ends at the end of the log; of a followed one, a moment after the container's."""
    writer = Writer(options)
    turn, file = log.turn, log.path.open("rb")
    try:
        if options.tail is not None:
            file.seek(tail_start(file, options.tail))
        while not writer.is_full:
            changed, over = log.changed, is_over()
            if data := file.read(CHUNK_BYTES):
                if text := writer.feed(data):
                    yield text
            elif turn != log.turn and timing.at_rotation == "go on":
                file.close()
                turn, file = log.turn, log.path.open("rb")
            elif not options.follow or over or (turn != log.turn and timing.at_rotation == "end"):
                break
            else:
                await changed.wait()
        if options.follow and not writer.is_full:
            await asyncio.sleep(timing.follow_end)
    finally:
        file.close()
