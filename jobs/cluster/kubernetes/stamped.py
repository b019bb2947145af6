"""A container's log as the API server gives it with `timestamps=true`: each line after its time and a space. Pure.

The time is RFC 3339 with nine digits of the second and the node's offset from UTC (kubelet, kuberuntime/logs). A line
without one is no output: the kubelet's own complaint in place of the log, or at its end ("failed to create fsnotify
watcher: too many open files"), or the rest of a line whose beginning `sinceTime` left out.

What there is much of, whole lines, goes through regular expressions a block at a time, not through Python a line.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from jobs.cluster.base import LogLines

STAMP = re.compile(rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))(?: |(?=\n))", re.MULTILINE)
SECOND = len("2025-01-15T10:30:00")
SHARED = len("2025-01-15T10:30:00.123")  # lines of one millisecond share a time in the store
LINE_MAX = 1 << 20  # a longer line is given in pieces
COMPLAINT_MAX = 500
LATEST_NS = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines, each with its time in front, and those times as they stand there."""

    raw: bytes
    stamps: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of one line, with its newline if that is part of it. `starts`: the line begins here."""

    time_ns: int
    data: bytes
    starts: bool


Part = Lines | Piece


@dataclass(frozen=True, slots=True)
class Line:
    time_ns: int
    data: bytes
    end: int  # in the raw block


class Splitter:
    """One answer of the log endpoint, from its first byte on, however it is cut into chunks."""

    def __init__(self) -> None:
        self.complaint = b""  # what came last, if it was no output
        self._rest = b""
        self._inside: int | None = None  # the time of a line whose beginning was given already
        self._skipping = False

    @property
    def holds_back(self) -> bool:
        """There is a beginning of a line."""
        return bool(self._rest)

    def feed(self, chunk: bytes) -> list[Part]:
        parts: list[Part] = []
        if self._inside is not None or self._skipping:
            end = chunk.find(b"\n") + 1
            if self._inside is not None:
                parts.append(Piece(self._inside, chunk[:end] if end else chunk, starts=False))
            if not end:
                return parts
            self._inside, self._skipping, chunk = None, False, chunk[end:]
        end = chunk.rfind(b"\n") + 1
        if end:
            parts += self._whole(self._rest + chunk[:end])
            self._rest = chunk[end:]
        else:
            self._rest += chunk
        if len(self._rest) >= LINE_MAX:
            parts += self.flush()
            if self._rest:
                self._complain(self._rest)
                self._rest, self._skipping = b"", True
        return parts

    def flush(self) -> list[Part]:
        """What there is of a line that has not ended yet."""
        match = STAMP.match(self._rest)
        if match is None or match.end() == len(self._rest):
            return []
        self._inside = nanoseconds(match[1])
        data, self._rest = self._rest[match.end() :], b""
        self.complaint = b""
        return [Piece(self._inside, data, starts=True)]

    def finish(self) -> list[Part]:
        """The same, at the answer's end."""
        parts = self.flush()
        if self._rest and STAMP.match(self._rest) is None:
            self._complain(self._rest)
        return parts

    def _whole(self, raw: bytes) -> list[Part]:
        stamps = STAMP.findall(raw)
        if len(stamps) != raw.count(b"\n"):
            raw = b"".join(self._stamped(raw))
        elif stamps:
            self.complaint = b""
        return [Lines(raw, stamps)] if raw else []

    def _stamped(self, raw: bytes) -> Iterator[bytes]:
        for line in raw[:-1].split(b"\n"):
            if STAMP.match(line + b"\n"):
                self.complaint = b""
                yield line + b"\n"
            else:
                self._complain(line)

    def _complain(self, line: bytes) -> None:
        self.complaint = line[:COMPLAINT_MAX]


@lru_cache(maxsize=256)
def seconds(text: bytes) -> int:
    """Of such as 2025-01-15T10:30:00+08:00; 0 for what is no date."""
    try:
        return int(datetime.fromisoformat(text.decode()).timestamp())
    except ValueError:
        return 0


def nanoseconds(stamp: bytes) -> int:
    """Since 1970."""
    zone = b"Z" if stamp.endswith(b"Z") else stamp[-6:]
    fraction = stamp[SECOND + 1 : len(stamp) - len(zone)]
    whole = seconds(stamp[:SECOND] + (b"+00:00" if zone == b"Z" else zone))
    return min(max(0, whole * 1_000_000_000 + int(fraction.ljust(9, b"0") or b"0")), LATEST_NS)


def lines_of(block: Lines) -> Iterator[Line]:
    """One by one, for where each time matters."""
    start = 0
    for stamp in block.stamps:
        match = STAMP.match(block.raw, start)
        assert match is not None
        start = block.raw.index(b"\n", match.end()) + 1
        yield Line(nanoseconds(stamp), block.raw[match.end() : start], start)


def gathered(parts: Sequence[Part]) -> LogLines:
    """The parts' bytes without the times in front, and those times as LogLines wants them."""
    data: list[bytes] = []
    times: list[tuple[int, int]] = []
    size = 0
    for part in parts:
        for time_ns, piece in groups(part) if isinstance(part, Lines) else ((part.time_ns, part.data),):
            if piece and (not times or times[-1][1] != time_ns):
                times.append((size, time_ns))
            data.append(piece)
            size += len(piece)
    return LogLines(b"".join(data), tuple(times))


def groups(block: Lines) -> Iterator[tuple[int, bytes]]:
    """Lines of one millisecond together; at the end, apart, those of just the last one's time."""
    start = 0
    for first, following in zip(firsts := first_lines(block.stamps), [*firsts[1:], None], strict=True):
        end = len(block.raw)
        if following is not None:
            end = block.raw.index(b"\n" + block.stamps[following], start) + 1
        yield nanoseconds(block.stamps[first]), STAMP.sub(b"", block.raw[start:end])
        start = end


def first_lines(stamps: Sequence[bytes]) -> list[int]:
    """Which lines begin a group."""
    found, shared = [], b""
    for number, stamp in enumerate(stamps):
        if not stamp.startswith(shared) or not number:
            found.append(number)
            shared = stamp[:SHARED]
    last = len(stamps) - 1
    while last and stamps[last - 1] == stamps[-1]:
        last -= 1
    if last > found[-1]:
        found.append(last)
    return found
