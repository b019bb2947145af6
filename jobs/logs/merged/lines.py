"""One line of one replica's log, and how it is shown. Pure."""

from array import array
from bisect import bisect_right
from typing import NamedTuple

from jobs.logs.store import PodLog
from jobs.logs.text import stamp, valid

LONGEST = 64 << 10  # bytes; a longer line counts as several


class Line(NamedTuple):
    """Lines are in order as these fields are. `data` is without the line's end; `marker`: a line of the platform's."""

    attempt: int
    time_ns: int
    replica: int
    start: int
    end: int
    data: bytes
    marker: bool = False


class Style(NamedTuple):
    """`attempts`: the prefix tells the attempt as well."""

    timestamps: bool = False
    attempts: bool = False

    def text(self, line: Line) -> bytes:
        """Valid UTF-8 that ends with a newline: `[replica] `, or `[attempt/replica] `, and the line. A carriage return
        within it begins a line of its own only on a terminal, so no prefix follows it."""
        prefix = b"[%d/%d] " % (line.attempt, line.replica) if self.attempts else b"[%d] " % line.replica
        return b"".join((prefix, stamp(line.time_ns) if self.timestamps else b"", valid(line.data), b"\n"))

    def size(self, line: Line) -> int:
        """Of the text, near enough for a bound."""
        return len(line.data) + 8 + (31 if self.timestamps else 0)


class Times:
    """When each byte of [start, end) was written, and which of them are the platform's own lines. Eight bytes for each
    number that it keeps, where a block may consist of the shortest lines."""

    def __init__(self, log: PodLog, start: int, end: int) -> None:
        self._starts, self._times = array("q"), array("q")
        for segment in log.segments(start, end):
            self._starts.append(segment.start)
            self._times.append(segment.time_ns)
        self._markers = [(segment.start, segment.end) for segment in log.markers(start, end)]

    def at(self, offset: int) -> int:
        return self._times[max(0, bisect_right(self._starts, offset) - 1)] if self._times else 0

    def is_marker(self, offset: int) -> bool:
        return any(start <= offset < end for start, end in self._markers)


def cut_of_long(data: bytes, start: int) -> int:
    """Where the data is cut whose line, from `start` on, is longer than LONGEST; not within a character, if it is
    text."""
    at = start + LONGEST
    return next((cut for cut in range(at, at - 4, -1) if not 0x80 <= data[cut] < 0xC0), at)
