"""Searching a log for lines with a keyword, from its newest line or its oldest, a bounded piece of work at a time.

A search lists matches from a place on, and counts all there are: the count runs ahead of the list. Where both stand is
in the cursor, so nothing is kept between two calls, and nothing is gone through twice. From the newest line on, a
search is of the log as it was at its first call; from the oldest on, it goes on with what was written meanwhile. There
the last line, if it has not ended yet, is left for later.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from jobs.logs.blocks import LINE_MAX, Block
from jobs.logs.needle import Line, Needle
from jobs.logs.skipping import likely_blocks, likely_blocks_back
from jobs.logs.store import PodLog
from jobs.logs.text import NEWLINE


@dataclass(frozen=True, slots=True)
class Place:
    """Where a search stands. The list goes on at `listed`, the count at `counted`; `found` lines were counted."""

    listed: int
    counted: int
    found: int
    far: int | None = None  # the end it goes towards; None: the log's, wherever that is by then


@dataclass(frozen=True, slots=True)
class Search:
    needle: Needle
    newest_first: bool
    limit: int  # of matches that are listed by one call


@dataclass(frozen=True, slots=True)
class Found:
    lines: list[Line]  # in the order of the search
    place: Place
    listed_all: bool
    counted_all: bool


def first_place(newest_first: bool, start: int, stop: int | None, end: int) -> Place:
    """Before the first call: the log's bytes from `start` to `stop`, which is None where it may grow; `end` then is
    where it ends now."""
    if newest_first:
        until = end if stop is None else stop
        return Place(until, until, 0, start)
    return Place(start, start, 0, stop)


def run(log: PodLog, search: Search, place: Place, seconds: float) -> Found:
    """Goes on for about so long, by a block at least. Raises what the log raises."""
    deadline = time.monotonic() + seconds
    place = clamped(place, log.size())
    work = Work(log, search, place, whole_end(log) if place.far is None else place.far)
    work.list_matches(deadline)
    while not work.counted_all and not work.over(deadline):
        work.count_block()
    return Found(work.lines, work.place, work.listed_all, work.counted_all)


def clamped(place: Place, size: int) -> Place:
    """A log that is fetched from a cluster may have been cut back since the last call."""
    far = None if place.far is None else min(place.far, size)
    return Place(min(place.listed, size), min(place.counted, size), place.found, far)


def whole_end(log: PodLog) -> int:
    """Where the last line that has ended does; of a complete log, the end."""
    complete, size = log.is_complete(), log.size()
    if complete or not size:
        return size
    begin = max(0, size - LINE_MAX)
    for start in (max(begin, size - (64 << 10)), begin):
        if (at := log.read(start, size - start).rfind(NEWLINE)) >= 0:
            return start + at + 1
    return begin


class Work:
    """One call of a search. What is at the log's end is at `far` in either direction."""

    def __init__(self, log: PodLog, search: Search, place: Place, far: int) -> None:
        self._log = log
        self._search = search
        self._far = far
        self._began = False
        self.place = place
        self.lines: list[Line] = []

    @property
    def listed_all(self) -> bool:
        return not self._before(self.place.listed, self._far)

    @property
    def counted_all(self) -> bool:
        return not self._before(self.place.counted, self._far)

    def over(self, deadline: float) -> bool:
        """Whether the time is up; not before something was done."""
        return self._began and time.monotonic() >= deadline

    def list_matches(self, deadline: float) -> None:
        if not self._search.limit:
            return
        for block in self._blocks(self.place.listed):
            for line in self._lines(block):
                if len(self.lines) == self._search.limit:
                    return
                self._list(line)
            self._gone_to(block)
            if self.over(deadline):
                return

    def count_block(self) -> None:
        block = next(self._blocks(self.place.counted), None)
        if block is None:  # cut back just now
            self._far = self.place.counted
            return
        needle = self._search.needle
        found = needle.count(needle.prepared(block.data), block.start, block.stop)
        self._began = True
        self.place = replace(self.place, counted=self._behind(block.begin, block.end), found=self.place.found + found)

    def _blocks(self, start: int) -> Iterator[Block]:
        if self._search.newest_first:
            return likely_blocks_back(self._log, self._search.needle, self._far, start)
        return likely_blocks(self._log, self._search.needle, start, self._far)

    def _lines(self, block: Block) -> Iterator[Line]:
        needle = self._search.needle
        lines = needle.lines(needle.prepared(block.data), block.start, block.stop)
        for line in reversed(list(lines)) if self._search.newest_first else lines:
            yield Line(*(block.offset + at for at in line))

    def _list(self, line: Line) -> None:
        self.lines.append(line)
        behind, place = self._behind(line.start, line.end), self.place
        if self._before(place.counted, behind):
            place = replace(place, counted=behind, found=place.found + 1)
        self.place = replace(place, listed=behind)

    def _gone_to(self, block: Block) -> None:
        self._began = True
        behind = self._behind(block.begin, block.end)
        counted = behind if self._before(self.place.counted, behind) else self.place.counted
        self.place = replace(self.place, listed=behind, counted=counted)

    def _behind(self, first: int, last: int) -> int:
        return first if self._search.newest_first else last

    def _before(self, one: int, other: int) -> bool:
        """Whether a search comes by `one` earlier than by `other`."""
        return one > other if self._search.newest_first else one < other
