"""A log in blocks of whole lines, as blocks.py gives them, but that what cannot hold a keyword is not read: an empty
block stands for it.

A line is looked at whole, so what is skipped begins and ends where lines do.
"""

from collections.abc import Iterator

from jobs.logs.blocks import NEWLINE, Block, line_blocks, line_blocks_back
from jobs.logs.grams import Grams
from jobs.logs.needle import Needle
from jobs.logs.store import PodLog

STEP, REACH = 4 << 10, 1 << 20  # bytes that are looked at for a line's end, at first and at most


def likely_blocks(log: PodLog, needle: Needle, start: int, end: int) -> Iterator[Block]:
    """[start, end), which begins where a line does, from its beginning."""
    grams = needle.grams
    if grams is None:
        yield from line_blocks(log, start, end)
        return
    while start < end:
        if (behind := skipped(log, grams, start, end)) > start:
            yield Block(start, b"", 0, behind - start)
            start = behind
            continue
        block = next(line_blocks(log, start, end), None)
        if block is None:
            return
        yield block
        start = block.end


def likely_blocks_back(log: PodLog, needle: Needle, floor: int, end: int) -> Iterator[Block]:
    """[floor, end), which begins and ends where a line does, from its end."""
    grams = needle.grams
    if grams is None:
        yield from line_blocks_back(log, floor, end)
        return
    while end > floor:
        if (before := skipped_back(log, grams, floor, end)) < end:
            yield Block(before, b"", 0, end - before)
            end = before
            continue
        block = next(line_blocks_back(log, floor, end), None)
        if block is None:
            return
        yield block
        end = block.begin


def skipped(log: PodLog, grams: Grams, start: int, end: int) -> int:
    """Where the first line of [start, end) begins that may hold the keyword; `start` also when its beginning is not
    near."""
    chance = log.next_chance(grams, start, end)
    if chance in (start, end):
        return chance
    size = STEP
    while size <= REACH:
        begin = max(start, chance - size)
        if (at := log.read(begin, chance - begin).rfind(NEWLINE)) >= 0:
            return begin + at + 1
        if begin == start:
            return start
        size *= 4
    return start


def skipped_back(log: PodLog, grams: Grams, floor: int, end: int) -> int:
    """Where the last line of [floor, end) ends that may hold the keyword; `end` also when that is not near."""
    chance = log.last_chance(grams, floor, end)
    if chance in (floor, end):
        return chance
    size = STEP
    while size <= REACH:
        begin = chance - 1
        if (at := log.read(begin, min(size, end - begin)).find(NEWLINE)) >= 0:
            return begin + at + 1
        if begin + size >= end:
            return end
        size *= 4
    return end
