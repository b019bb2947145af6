"""Line numbers: how many lines come before an offset, and where the line with a number begins.

A packed segment says how many lines come before each of its frames (seekable.py). The bytes of the others are counted,
once in a process: what is in a file never changes, so how many newlines are in a block of it may be kept.
"""

import threading
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Hashable

from jobs.logs.segments import File, PackedFile, Segments

BLOCK = 1 << 20
NEAR = 1 << 12
NEWLINE = b"\n"
MOST_FILES = 4096  # whose counts are kept: 8 bytes for each MiB of them


class Counts:
    """Of files that may be growing: the newlines before each whole block. Safe for threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, list[int]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, file: File, blocks: int) -> list[int]:
        """At least for so many whole blocks, which are there."""
        counts = self._find(file.identity)
        if len(counts) > blocks:
            return counts
        counts = counts.copy()
        while len(counts) <= blocks:
            block = file.read((len(counts) - 1) * BLOCK, BLOCK)
            counts.append(counts[-1] + block.count(NEWLINE))
        with self._lock:
            self._kept[file.identity] = counts
            while len(self._kept) > MOST_FILES:
                self._kept.popitem(last=False)
        return counts

    def _find(self, identity: Hashable) -> list[int]:
        with self._lock:
            if identity not in self._kept:
                return [0]
            self._kept.move_to_end(identity)
            return self._kept[identity]


counted = Counts()


class Lines:
    """Of one log that is open."""

    def __init__(self, segments: Segments) -> None:
        self._segments = segments

    def before(self, offset: int) -> int:
        """The newlines before the offset, which is not behind the end."""
        number = self._segments.number_at(offset)
        base = self._segments.bases[number]
        return self._before_segment(number) + self._in_segment(number, offset - base)

    def offset_of(self, line: int) -> int:
        """After so many newlines; the end when there are fewer."""
        end = self._segments.size()
        if line <= 0:
            return 0
        bases = self._segments.bases
        number = max(0, bisect_left(range(len(bases)), line, key=self._before_segment) - 1)
        last = bases[number + 1] if number + 1 < len(bases) else end
        line -= self._before_segment(number)
        return self._after(bases[number], last, *self._mark(number, last - bases[number], line))

    def _before_segment(self, number: int) -> int:
        """The nearest segment before it that knows is asked, and the ones between are counted."""
        total = 0
        while number:
            bases = self._segments.bases
            file = self._segments.file(bases[number - 1])
            size = bases[number] - bases[number - 1]
            if isinstance(file, PackedFile) and file.table.lines and file.size() == size:
                return total + file.table.lines[-1]
            number -= 1
            total += self._in_segment(number, size)
        return total

    def _in_segment(self, number: int, offset: int) -> int:
        """The newlines in the segment before this place in it."""
        base = self._segments.bases[number]
        begin, lines = self._known(number, offset)
        while begin < offset and (data := self._segments.read(base + begin, min(BLOCK, offset - begin))):
            lines += data.count(NEWLINE)
            begin += len(data)
        return lines

    def _known(self, number: int, offset: int) -> tuple[int, int]:
        """The last place up to the offset for which the newlines before it are known, and how many they are."""
        file = self._segments.file(self._segments.bases[number])
        if isinstance(file, PackedFile) and file.table.lines:
            at = min(bisect_right(file.table.begins, offset), len(file.table.begins)) - 1
            return file.table.begins[at], file.table.lines[at] - file.table.lines[0]
        blocks = min(offset, file.size()) // BLOCK
        return blocks * BLOCK, counted.of(file, blocks)[blocks]

    def _mark(self, number: int, size: int, line: int) -> tuple[int, int]:
        """A place in the segment before the end of that line of it, and how many newlines follow up to there."""
        file = self._segments.file(self._segments.bases[number])
        if isinstance(file, PackedFile) and file.table.lines:
            first = file.table.lines[0]
            at = max(0, bisect_left(file.table.lines, line + first) - 1)
            return file.table.begins[at], line - (file.table.lines[at] - first)
        blocks = min(size, file.size()) // BLOCK
        counts = counted.of(file, blocks)
        at = max(0, bisect_left(counts, line, hi=blocks + 1) - 1)
        return at * BLOCK, line - counts[at]

    def _after(self, base: int, end: int, begin: int, newlines: int) -> int:
        """The offset after so many newlines from a place in the segment on; `end` when there are fewer."""
        offset = base + begin
        while offset < end and (data := self._segments.read(offset, min(BLOCK, end - offset))):
            found = data.count(NEWLINE)
            if found >= newlines:
                return offset + nth(data, newlines) + 1
            newlines -= found
            offset += len(data)
        return offset


def nth(data: bytes, number: int) -> int:
    """Where the data's number-th newline is, counted from one; it has so many."""
    start, end = 0, len(data)
    while end - start > NEAR:  # counting half of it is quicker than to find each
        middle = (start + end) // 2
        found = data.count(NEWLINE, start, middle)
        if found >= number:
            end = middle
        else:
            start, number = middle, number - found
    at = start - 1
    for _ in range(number):
        at = data.find(NEWLINE, at + 1)
    return at
