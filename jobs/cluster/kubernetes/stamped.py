"""A container's log as the API server gives it with `timestamps=true`: each line after its time and a space. Pure.

The time is RFC 3339 with nine digits of the second and the node's offset from UTC (kubelet, kuberuntime/logs). A line
without one is no output: the kubelet's own complaint in place of the log, or at its end ("failed to create fsnotify
watcher: too many open files"), or the rest of a line whose beginning `sinceTime` left out.

What there is much of, whole lines, is taken apart by one regular expression a block at a time, not by Python a line.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from jobs.cluster.base import LogLines

TIME = rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))"
STAMP = re.compile(TIME + rb" ")
# It begins with the newline before the line, which the engine finds many times faster than a line's beginning.
STAMPED = re.compile(rb"\n" + TIME + rb"(?: |(?=\n)|\Z)")
SECOND = len("2025-01-15T10:30:00")
SHARED = len("2025-01-15T10:30:00.123")  # lines of one millisecond share a time in the store
LINE_MAX = 1 << 20  # a longer line is given in pieces
COMPLAINT_MAX = 500
LATEST_NS = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines: their times as they stand in front of them, and their texts without the newline."""

    stamps: Sequence[bytes]
    texts: Sequence[bytes]

    def after(self, number: int) -> "Lines":
        return Lines(self.stamps[number:], self.texts[number:])


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of one line, with its newline if that is part of it. `starts`: the line begins here."""

    time_ns: int
    data: bytes
    starts: bool


Part = Lines | Piece


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
        """`raw` ends where a line does."""
        before, *found = STAMPED.split(b"\n" + raw[:-1])
        stamps, texts = found[::2], found[1::2]
        if len(stamps) == raw.count(b"\n"):
            self.complaint = b""
        else:
            texts = self._without_complaints(before, texts)
        return [Lines(stamps, texts)] if stamps else []

    def _without_complaints(self, before: bytes, texts: Sequence[bytes]) -> list[bytes]:
        """A line that has no time stands in the text of the one before it."""
        self._complain(before[1:])
        kept = []
        for text in texts:
            own, newline, rest = text.partition(b"\n")
            kept.append(own)
            self.complaint = b""
            if newline:
                self._complain(rest)
        return kept

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
    firsts = first_lines(block.stamps)
    for first, following in zip(firsts, [*firsts[1:], len(block.texts)], strict=True):
        yield nanoseconds(block.stamps[first]), b"\n".join((*block.texts[first:following], b""))


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
