"""A log in blocks of whole lines, in either direction. What is read of a line that a block cuts is read again with the
next one: that is cheaper than to put the two together."""

from collections.abc import Iterator
from typing import NamedTuple

from jobs.logs.store import PodLog

BLOCK = 1 << 20
LINE_MAX = 16 << 20  # a longer line counts as several
NEWLINE = b"\n"


class Block(NamedTuple):
    """data[start:stop] is whole lines; `offset` is where in the log the data begins."""

    offset: int
    data: bytes
    start: int
    stop: int

    @property
    def lines(self) -> bytes:
        return self.data[self.start : self.stop]

    @property
    def begin(self) -> int:
        return self.offset + self.start

    @property
    def end(self) -> int:
        return self.offset + self.stop


def line_blocks(log: PodLog, start: int, end: int) -> Iterator[Block]:
    """[start, end), which begins where a line does, from its beginning."""
    size = BLOCK
    while start < end and (data := log.read(start, min(size, end - start))):
        cut = len(data) if start + len(data) >= end else data.rfind(NEWLINE) + 1
        if not cut and size < LINE_MAX:
            size *= 2
            continue
        block = Block(start, data, 0, cut or len(data))
        yield block
        start, size = block.end, BLOCK


def line_blocks_back(log: PodLog, floor: int, end: int) -> Iterator[Block]:
    """[floor, end), which begins and ends where a line does, from its end."""
    size = BLOCK
    while end > floor:
        begin = max(floor, end - size)
        data = log.read(begin, end - begin)
        # The newline at the very end ends the last line; it begins none.
        cut = 0 if begin == floor else data.find(NEWLINE, 0, len(data) - 1) + 1
        if not cut and begin > floor and size < LINE_MAX:
            size *= 2
            continue
        block = Block(begin, data, cut, len(data))
        yield block
        end, size = block.begin, BLOCK
