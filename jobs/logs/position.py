"""Where a reader of a container's log stopped, in words that the cluster's own log can be searched by. Pure.

A cluster's log has a time a line and no offsets, it may begin anywhere (rotation), and times may repeat or go back a
little: stdout and stderr are two pipes. So a position is the time of a line, and the number and digest of all bytes
from the beginning of that line to where the reader stopped, which may be in the middle of a line.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

Times = Sequence[tuple[int, int]]  # (offset, nanoseconds since 1970): from that byte on, that time

DIGEST_SIZE = 16


@dataclass(frozen=True, slots=True)
class LogPosition:
    """`time_ns` is exactly that of the line that the last `size` bytes begin with. `latest_ns`: nothing that was read
    has a later time; it is far from the other only where a clock was set back."""

    time_ns: int
    size: int
    digest: bytes
    latest_ns: int


def new_digest() -> "hashlib.blake2b":
    return hashlib.blake2b(digest_size=DIGEST_SIZE)


class Trail:
    """The position after what was added to it."""

    def __init__(self, start: LogPosition | None = None) -> None:
        self._start = start
        self._latest_ns = start.latest_ns if start else 0
        self._time_ns: int | None = None
        self._size = 0
        self._digest = new_digest()

    def found(self, start: LogPosition, digest: "hashlib.blake2b") -> None:
        """The start was found in the log: what is added next goes on after it. `digest` has taken in its bytes."""
        self._time_ns, self._size, self._digest = start.time_ns, start.size, digest

    def add(self, data: bytes, times: Times) -> None:
        """`times` as in LogLines. All that has the last time, up to the end of the data, is what a search looks for."""
        at = len(times) - 1
        last = times[at][1]
        while at and times[at - 1][1] == last:
            at -= 1
        if at or last != self._time_ns:
            self._time_ns, self._size, self._digest = last, 0, new_digest()
        self._latest_ns = max(self._latest_ns, *(time_ns for _offset, time_ns in times), 0)
        piece = memoryview(data)[times[at][0] :]
        self._size += len(piece)
        self._digest.update(piece)

    @property
    def position(self) -> LogPosition | None:
        """None when nothing was read, ever."""
        if self._time_ns is None:
            return self._start
        return LogPosition(self._time_ns, self._size, self._digest.digest(), self._latest_ns)
