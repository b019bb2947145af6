"""Where in a log an answer begins: from a cursor, a time, a number of last lines, or a number of last bytes; and where
it ends, at a time.

Goes backwards from the end in blocks, so a small answer from a huge log reads little.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jobs.logs.blocks import BLOCK as BLOCK
from jobs.logs.lines import nth
from jobs.logs.needle import Needle
from jobs.logs.skipping import likely_blocks_back
from jobs.logs.store import PodLog
from jobs.logs.text import NEWLINE


@dataclass(frozen=True, slots=True)
class Query:
    """What a reader asks for. A cursor overrules tail_lines and since_ns: those said where to begin, long ago. until_ns
    is not among the times: two answers, one until a time and one since it, are the whole. `whole_lines` is for
    followers: each chunk ends where a line ends, by newline or carriage return; so is `most_behind`: what is further
    from the log's end is skipped."""

    tail_lines: int | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    cursor: int | None = None
    limit_bytes: int | None = None
    keyword: bytes = b""
    timestamps: bool = False
    whole_lines: bool = False
    line: int | None = None
    around: int = 0
    numbered: bool = False
    most_behind: int | None = None


def floor_of(log: PodLog, query: Query) -> int:
    """The first byte that the cursor or the time lets through."""
    if query.cursor is not None:
        return min(query.cursor, log.size())
    return 0 if query.since_ns is None else line_since(log, query.since_ns)


def stop_of(log: PodLog, query: Query, size: int) -> int:
    """Where the lines end that the query lets through: before the first one that began at until_ns or after it; never
    before its cursor, which would come back as an earlier one."""
    if query.until_ns is None:
        return size
    return min(size, max(line_since(log, query.until_ns), query.cursor or 0))


def line_since(log: PodLog, time_ns: int) -> int:
    """The first line that begins at or after the time; one that began earlier is left out whole."""
    offset = log.offset_of(time_ns)
    return offset if is_line_start(log, offset) else next_line(log, offset)


def lines_around(log: PodLog, line: int, around: int, size: int, most: int) -> tuple[int, int]:
    """Where these lines begin and end; no further than a little over `most` bytes."""
    first = max(0, line - 1 - around)
    start = end = min(log.offset_of_line(first), size)
    lines = line - first + around
    while lines and end < size and end - start <= most:
        data = log.read(end, min(BLOCK, size - end))
        found = data.count(NEWLINE)
        if found >= lines:
            return start, end + nth(data, lines) + 1
        lines, end = lines - found, end + len(data)
    return start, end


def is_line_start(log: PodLog, offset: int) -> bool:
    return offset == 0 or log.read(offset - 1, 1) == NEWLINE


def next_line(log: PodLog, offset: int) -> int:
    """After the first newline from `offset` on; the size when there is none."""
    while block := log.read(offset, BLOCK):
        if (at := block.find(NEWLINE)) >= 0:
            return offset + at + 1
        offset += len(block)
    return offset


def tail_start(log: PodLog, floor: int, end: int, lines: int) -> int:
    """Where the last `lines` lines of [floor, end) begin; a last line without its newline counts as one."""
    if lines == 0:
        return end
    # The newline that ends the last line separates nothing.
    position = end - 1 if end > floor and log.read(end - 1, 1) == NEWLINE else end
    while position > floor:
        start = max(floor, position - BLOCK)
        block = log.read(start, position - start)
        found = block.count(NEWLINE)
        if found >= lines:
            return start + nth_last(block, lines) + 1
        lines -= found
        position = start
    return floor


def nth_last(block: bytes, number: int) -> int:
    """Where the block's number-th newline from its end is."""
    at = len(block)
    for _ in range(number):
        at = block.rfind(NEWLINE, 0, at)
    return at


def start_of(log: PodLog, query: Query, end: int, budget: int | None = None) -> int:
    """Where the answer begins. With a budget it need not hold more than the last `budget` bytes, and then begins so
    that a little more than that is shown."""
    floor = min(floor_of(log, query), end)
    lines = query.tail_lines if query.cursor is None else None
    if query.keyword and (lines is not None or budget is not None):
        return matching_start(matching_back(log, floor, end, query.keyword), end, lines, budget)
    start = floor if lines is None else tail_start(log, floor, end, lines)
    return start if budget is None else max(start, end - budget - 1)


def matching_start(spans: Iterator[tuple[int, int]], end: int, lines: int | None, budget: int | None) -> int:
    """Goes back over lines until there are enough of them, or more bytes than the budget."""
    start, size = end, 0
    for number, (first, last) in enumerate(spans, 1):
        if lines is not None and number > lines:
            break
        start = first
        size += last - first
        if budget is not None and size > budget:
            break
    return start


def matching_back(log: PodLog, floor: int, end: int, keyword: bytes) -> Iterator[tuple[int, int]]:
    """The lines of [floor, end) that contain the keyword, from the last one on."""
    needle = Needle(keyword)
    for block in likely_blocks_back(log, needle, floor, end):
        for line in reversed(list(needle.lines(block.data, block.start, block.stop))):
            yield block.offset + line.start, block.offset + line.end
