"""From the bytes of a log to text: whole characters, times in front of lines, lines that hold a keyword. Pure."""

import codecs
import time
from collections.abc import Iterator
from functools import lru_cache

from jobs.logs.store import PodLog

STAMP_SIZE = len("2025-01-15T10:30:00.123456789Z ")
NEWLINE = b"\n"


def whole_characters(data: bytes) -> tuple[bytes, int]:
    """The data as valid UTF-8, each invalid byte sequence replaced by U+FFFD, without a character that is cut off at
    the end; and how many bytes of the data that is."""
    if data.isascii():
        return data, len(data)
    try:
        used = codecs.utf_8_decode(data, "strict", False)[1]
    except UnicodeDecodeError:
        text, used = codecs.utf_8_decode(data, "replace", False)
        return text.encode(), used
    return data[:used], used


def valid(data: bytes) -> bytes:
    """The data as valid UTF-8, to its last byte."""
    if data.isascii():
        return data
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode(errors="replace").encode()
    return data


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def moment(time_ns: int) -> str:
    """RFC 3339, UTC, always nine digits of the second."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return f"{_second(seconds)}.{rest:09d}Z"


def stamp(time_ns: int) -> bytes:
    """What Kubernetes puts in front of a line."""
    return f"{moment(time_ns)} ".encode()


def stamped(log: PodLog, offset: int, data: bytes, at_line_start: bool) -> bytes:
    """The data, which is the log's at `offset`, with each line's time in front of it. A line has the time of its
    first byte; the rest of a line that began earlier gets none."""
    parts: list[bytes] = []
    for start, end, time_ns in log.segments(offset, offset + len(data)):
        prefix = stamp(time_ns)
        piece = data[start - offset : end - offset]
        if at_line_start:
            parts.append(prefix)
        at_line_start = piece.endswith(NEWLINE)
        if at_line_start:
            parts += (piece[:-1].replace(NEWLINE, NEWLINE + prefix), NEWLINE)
        else:
            parts.append(piece.replace(NEWLINE, NEWLINE + prefix))
    return b"".join(parts)


def whole_lines(data: bytes) -> int:
    """How much of the data is whole lines, where a carriage return ends a line as well; not one at the very end,
    which may be the first half of a line end."""
    return max(data.rfind(NEWLINE), data.rfind(b"\r", 0, len(data) - 1)) + 1


def matching_lines(data: bytes, keyword: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each line of the data, its newline included, that contains the keyword."""
    position = 0
    while (hit := data.find(keyword, position)) >= 0:
        start = max(position, data.rfind(NEWLINE, position, hit) + 1)
        end = data.find(NEWLINE, hit) + 1 or len(data)
        yield start, end
        position = end


def rendered(log: PodLog, offset: int, data: bytes, *, at_line_start: bool, timestamps: bool, keyword: bytes) -> bytes:
    """What a reader sees of the log's bytes at `offset`. With a keyword the data must be whole lines."""
    if keyword:
        lines = matching_lines(data, keyword)
        if not timestamps:
            return b"".join(data[start:end] for start, end in lines)
        # The first line may be the rest of one that began before the data.
        return b"".join(
            stamped(log, offset + start, data[start:end], start > 0 or at_line_start) for start, end in lines
        )
    return stamped(log, offset, data, at_line_start) if timestamps else data
