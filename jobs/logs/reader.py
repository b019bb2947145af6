"""One answer from a log: the text that a query selects, now.

The answer never exceeds a bound. Without limit_bytes and cursor it is the selection's last bytes that are kept; with
limit_bytes the selection's first ones, as Kubernetes does; with a cursor the ones that follow it, so that a client can
page on. limit_bytes counts the bytes as shown, times in front of lines included.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jobs.logs.blocks import BLOCK, line_blocks
from jobs.logs.gaps import MESSAGE_BYTES, Gap, from_line
from jobs.logs.selection import Query, is_line_start, lines_around, start_of, stop_of
from jobs.logs.store import PodLog
from jobs.logs.text import NEWLINE, STAMP_SIZE, rendered, whole_characters

CONTINUATION = bytes(range(0x80, 0xC0))


@dataclass(frozen=True, slots=True)
class Page:
    text: str
    cursor: int  # where to go on from
    total_bytes: int  # of the whole log
    truncated: bool  # the bound left something out that was asked for
    complete: bool  # nothing more will come of what was asked for
    first_line: int | None = None  # which line it begins with, counted from 1; where that was asked for
    gaps: tuple[tuple[int, Gap], ...] = ()  # the platform's own lines in it, by their numbers; with first_line


@dataclass(frozen=True, slots=True)
class Range:
    """[start, stop) of a log that is of this size; `complete` when nothing can come at its end any more."""

    start: int
    stop: int
    size: int
    complete: bool


def read_page(log: PodLog, query: Query, max_bytes: int) -> Page:
    sealed, size = log.is_complete(), log.size()
    if query.line is not None:
        start, stop = lines_around(log, query.line, query.around, size, max_bytes)
        return page_from(log, query, Range(start, stop, size, sealed and stop == size), max_bytes)
    stop = stop_of(log, query, size)
    complete = sealed or stop < size
    if query.limit_bytes is None and query.cursor is None:
        return last_page(log, query, Range(start_of(log, query, stop, max_bytes), stop, size, complete), max_bytes)
    return page_from(log, query, Range(start_of(log, query, stop), stop, size, complete), max_bytes)


def last_page(log: PodLog, query: Query, wanted: Range, max_bytes: int) -> Page:
    """As much of the range as the bound allows, from its end."""
    data, truncated = keep_last(blocks(log, query, wanted.start, wanted.stop), max_bytes)
    text, held = shown(data, whole=wanted.complete)
    cursor = wanted.stop - held
    first_line = log.line_at(cursor) - text.count("\n") + 1 if query.numbered else None
    gaps = gaps_in(log, first_line, wanted.start, cursor)
    return Page(text, cursor, wanted.size, truncated, wanted.complete, first_line, gaps)


def page_from(log: PodLog, query: Query, wanted: Range, max_bytes: int) -> Page:
    """As much of the range as the bound allows, from its beginning."""
    start, stop = wanted.start, wanted.stop
    paged = query.cursor is not None or query.line is not None
    end = page_end(log, query, start, stop, max_bytes) if paged else stop
    limit = min(max_bytes if query.limit_bytes is None else query.limit_bytes, max_bytes)
    data, cut = keep_first(blocks(log, query, start, end), limit)
    truncated = end < stop or (cut and limit == max_bytes)
    text, held = shown(data, whole=not cut and (wanted.complete or end < wanted.size))
    cursor, complete = end if cut else end - held, wanted.complete and end == stop
    numbered = query.numbered or query.line is not None
    first_line = log.line_at(start) + 1 if numbered and start < wanted.size else None
    return Page(text, cursor, wanted.size, truncated, complete, first_line, gaps_in(log, first_line, start, cursor))


def gaps_in(log: PodLog, first_line: int | None, start: int, end: int) -> tuple[tuple[int, Gap], ...]:
    """The platform's own lines in [start, end) by their numbers, from that line on. What a program prints with the same
    prefix is not among them. None where nobody asked for numbers."""
    if first_line is None:
        return ()
    found = []
    for marker in log.markers(start, end):
        line = log.read(marker.start, min(marker.end - marker.start, MESSAGE_BYTES))
        number = log.line_at(marker.start) + 1 + line.startswith(NEWLINE)
        if number >= first_line:
            found.append((number, from_line(line.removeprefix(NEWLINE), marker.time_ns)))
    return tuple(found)


def shown(data: bytes, *, whole: bool) -> tuple[str, int]:
    """The text, and how many bytes at the end were left out of it: unless the data is whole, a character at its end
    of which only a part is there (yet)."""
    if whole:
        return data.decode(errors="replace"), 0
    text, used = whole_characters(data)
    return text.decode(), len(data) - used


def page_end(log: PodLog, query: Query, start: int, stop: int, max_bytes: int) -> int:
    """How far a page from a cursor goes, so that it stays under the bound even if every line is empty and gets a time
    in front; whole lines where a keyword is looked for, and whole characters."""
    room = max(1, max_bytes // (STAMP_SIZE + 1)) if query.timestamps else max_bytes
    end = min(stop, start + room)
    if end == stop:
        return stop
    data = log.read(start, end - start)
    if query.keyword and (lines := data.rfind(NEWLINE) + 1):
        return start + lines
    return start + (whole_characters(data)[1] or len(data))


def blocks(log: PodLog, query: Query, start: int, end: int) -> Iterator[bytes]:
    """[start, end) as the query wants it shown."""
    at_line_start = query.timestamps and is_line_start(log, start)
    for offset, data in blocks_of_lines(log, start, end) if query.keyword else plain_blocks(log, start, end):
        yield rendered(
            log, offset, data, at_line_start=at_line_start, timestamps=query.timestamps, keyword=query.keyword
        )
        at_line_start = data.endswith(NEWLINE)


def blocks_of_lines(log: PodLog, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    return ((block.begin, block.lines) for block in line_blocks(log, start, end))


def plain_blocks(log: PodLog, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    while start < end and (data := log.read(start, min(BLOCK, end - start))):
        yield start, data
        start += len(data)


def keep_last(parts: Iterable[bytes], size: int) -> tuple[bytes, bool]:
    """The last `size` bytes, from the first whole character on, and whether something was left out."""
    kept: deque[bytes] = deque()
    total, dropped = 0, False
    for part in parts:
        kept.append(part)
        total += len(part)
        while total - len(kept[0]) >= size and len(kept) > 1:
            total -= len(kept.popleft())
            dropped = True
    data = b"".join(kept)
    if total <= size and not dropped:
        return data, False
    data = data[total - size :] if total > size else data
    head = data[:3].lstrip(CONTINUATION)
    return head + data[3:], True


def keep_first(parts: Iterable[bytes], size: int) -> tuple[bytes, bool]:
    """The first `size` bytes, and whether something was left out."""
    kept: list[bytes] = []
    total = 0
    for part in parts:
        kept.append(part)
        total += len(part)
        if total > size:
            return b"".join(kept)[:size], True
    return b"".join(kept), False
