"""The output of one log out of its segments, packed or not, wherever their files are.

A log may grow, begin another segment, and have closed ones packed, while it is open here: a file that is open stays
readable when it is removed, and one that is gone before it was opened is there packed. What is damaged or missing is
shown as a line that says so, of just the size of what is lost, and told in the server's log; never an exception.
"""

import logging
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Protocol

from jobs.logs import frames, seekable
from jobs.logs.blobs import Blob, Shelf
from jobs.logs.format import base_of, packed_name, segment_name
from jobs.logs.frames import Frame
from jobs.logs.grams import Grams
from jobs.logs.loss import in_place_of
from jobs.logs.seekable import Damaged, Table

logger = logging.getLogger(__name__)

OPEN_AT_ONCE = 2  # of one log's files: a reader goes through them in order
CUT = "their file ends too early, as after a crash of the machine."
DAMAGED = "their file is damaged."
GONE = "their file is gone."


class File(Protocol):
    """What is in a file, packed or not."""

    identity: Hashable  # as a blob's

    def size(self) -> int: ...

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes; fewer, or none, at the end."""

    def next_chance(self, grams: Grams, start: int, end: int) -> int:
        """Where in [start, end) the first place is at which the keyword may begin; `end` when there is none."""

    def last_chance(self, grams: Grams, start: int, end: int) -> int:
        """Behind the last place in [start, end) at which the keyword may begin; `start` when there is none."""

    def lost(self) -> list[tuple[int, int]]:
        """Where in it something is lost, as far as that was read."""

    def close(self) -> None: ...


class AnyChance:
    """A file that must be read to know what is in it."""

    def next_chance(self, grams: Grams, start: int, end: int) -> int:
        return start

    def last_chance(self, grams: Grams, start: int, end: int) -> int:
        return end


class PlainFile(AnyChance):
    def __init__(self, blob: Blob) -> None:
        self.identity = blob.identity
        self.size, self.read, self.close = blob.size, blob.read, blob.close

    def lost(self) -> list[tuple[int, int]]:
        return []


class PackedFile:
    """Raises Damaged when its table cannot be read."""

    def __init__(self, blob: Blob) -> None:
        self.identity = blob.identity
        self._blob = blob
        self.table: Table = seekable.read_table(blob)
        self._lost: dict[int, None] = {}
        self._grams: bytes | None = None  # as long as nobody asked

    def size(self) -> int:
        return self.table.size

    def read(self, offset: int, size: int) -> bytes:
        end = min(offset + size, self.table.size)
        number = bisect_right(self.table.begins, offset) - 1
        parts = []
        while offset < end:
            begin, following = self.table.begins[number : number + 2]
            parts.append(self._frame(number)[offset - begin : end - begin])
            offset, number = following, number + 1
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def next_chance(self, grams: Grams, start: int, end: int) -> int:
        begins, bitmaps = self.table.begins, self._bitmaps()
        if not bitmaps:
            return start
        for number in range(bisect_right(begins, start) - 1, bisect_left(begins, end, hi=len(begins) - 1)):
            if grams.may_begin(bitmaps, number):
                return max(start, begins[number])
        return end if end <= begins[-1] else max(start, begins[-1])

    def last_chance(self, grams: Grams, start: int, end: int) -> int:
        begins, bitmaps = self.table.begins, self._bitmaps()
        if not bitmaps or end > begins[-1]:
            return end
        for number in range(bisect_left(begins, end) - 1, bisect_right(begins, start) - 2, -1):
            if grams.may_begin(bitmaps, number):
                return min(end, begins[number + 1])
        return start

    def lost(self) -> list[tuple[int, int]]:
        return [(self.table.begins[number], self.table.begins[number + 1]) for number in sorted(self._lost)]

    def close(self) -> None:
        self._blob.close()

    def _bitmaps(self) -> bytes:
        if self._grams is None:
            self._grams = seekable.read_grams(self._blob, self.table)
        return self._grams

    def _frame(self, number: int) -> bytes:
        frame = frames.cache.get((self.identity, self.table.size, number), lambda: self._unpacked(number))
        if frame.is_damaged:
            self._lost[number] = None
        return frame.data

    def _unpacked(self, number: int) -> Frame:
        try:
            return Frame(seekable.read_frame(self._blob, self.table, number))
        except Damaged as exc:
            logger.error("A part of %s is lost: %s", self.identity, exc)
            return Frame(self._instead(number), is_damaged=True)

    def _instead(self, number: int) -> bytes:
        """What stands for a frame that cannot be read."""
        return in_place_of(self.table.begins[number + 1] - self.table.begins[number], DAMAGED)


class LostFile(AnyChance):
    """Of a segment that cannot be read at all; `size` bytes are known to have been in it."""

    def __init__(self, identity: Hashable, size: int, said: str) -> None:
        self.identity = identity
        self._size = size
        self._said = said

    def size(self) -> int:
        return self._size

    def read(self, offset: int, size: int) -> bytes:
        return in_place_of(self._size, self._said)[offset : offset + size]

    def lost(self) -> list[tuple[int, int]]:
        return [(0, self._size)] if self._size else []

    def close(self) -> None:
        """Nothing is held open."""


def opened(shelf: Shelf, plain: str, packed: str, kind: type[PackedFile] = PackedFile) -> File:
    """Raises FileNotFoundError when neither is there, Damaged, and OSError."""
    try:
        return PlainFile(shelf.open(plain))
    except FileNotFoundError:
        blob = shelf.open(packed)
    try:
        return kind(blob)
    except BaseException:
        blob.close()
        raise


class Segments:
    """Raises FileNotFoundError when there is no segment. `recorded`: answers up to where the index knows of bytes."""

    def __init__(self, shelf: Shelf, container: str, recorded: Callable[[], int] = lambda: 0) -> None:
        self._shelf = shelf
        self._container = container
        self._recorded = recorded
        self.bases = sorted({base for name in shelf.names() if (base := base_of(container, name)) is not None})
        if not self.bases:
            raise FileNotFoundError
        self._files: OrderedDict[int, File] = OrderedDict()
        self._lost: set[tuple[int, int]] = set()

    def size(self) -> int:
        while True:
            base = self.bases[-1]
            size = base + self.file(base).size()
            if not self._goes_on(size):
                return size

    def read(self, offset: int, size: int) -> bytes:
        parts = []
        while size > 0 and (part := self._part(offset, size)):
            parts.append(part)
            offset += len(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def next_chance(self, grams: Grams, start: int, end: int) -> int:
        """Where in [start, end) the first place is at which the keyword may begin; `end` when there is none."""
        while start < end:
            base, following = self._around(start)
            stop = min(end, following)
            if (at := base + self.file(base).next_chance(grams, start - base, stop - base)) < stop:
                return at
            start = stop
        return end

    def last_chance(self, grams: Grams, start: int, end: int) -> int:
        """Behind the last place in [start, end) at which the keyword may begin; `start` when there is none."""
        while start < end:
            base, _following = self._around(end - 1)
            first = max(start, base)
            if (at := base + self.file(base).last_chance(grams, first - base, end - base)) > first:
                return at
            end = first
        return start

    def lost(self, start: int, end: int) -> list[tuple[int, int]]:
        """Where in [start, end) a line stands for what is lost, as far as that was read."""
        for base, file in self._files.items():
            self._lost.update((base + first, base + last) for first, last in file.lost())
        return sorted(one for one in self._lost if one[0] < end and one[1] > start)

    def number_at(self, offset: int) -> int:
        """Of the segment that the offset is in, or behind the last one."""
        return max(0, bisect_right(self.bases, offset) - 1)

    def file(self, base: int) -> File:
        """Of the segment that begins there. It may be closed by the next call for another one."""
        file = self._files.get(base)
        if file is None:
            file = self._open(base)
            self._keep(base, file)
        self._files.move_to_end(base)
        return file

    def close(self) -> None:
        for base in list(self._files):
            self._close(base)

    def _around(self, offset: int) -> tuple[int, int]:
        """Where its segment begins and, as far as is known, ends."""
        number = self.number_at(offset)
        return self.bases[number], self.bases[number + 1] if number + 1 < len(self.bases) else max(offset, self.size())

    def _part(self, offset: int, size: int) -> bytes:
        """Some of it, from one segment; none at the end."""
        number = self.number_at(offset)
        base = self.bases[number]
        if number + 1 < len(self.bases):
            return self._closed_part(base, self.bases[number + 1], offset, size)
        data = self.file(base).read(offset - base, size)
        if not data and self._goes_on(offset):
            return self._part(offset, size)
        return data

    def _closed_part(self, base: int, end: int, offset: int, size: int) -> bytes:
        file, size = self.file(base), min(size, end - offset)
        if data := file.read(offset - base, size):
            return data
        first = base + file.size()
        if (first, end) not in self._lost:
            logger.error("Of the segment at %d in %s, %d bytes are lost: %s", base, file.identity, end - first, CUT)
            self._lost.add((first, end))
        return in_place_of(end - first, CUT)[offset - first : offset - first + size]

    def _goes_on(self, end: int) -> bool:
        """Whether another segment begins there, where the last one that is known ends."""
        if end <= self.bases[-1] or self._recorded() <= end:
            return False
        try:
            self._keep(end, self._opened(end))
        except FileNotFoundError:
            return False
        self.bases.append(end)
        return True

    def _open(self, base: int) -> File:
        try:
            return self._opened(base)
        except FileNotFoundError as exc:
            reason: Exception = exc
        except Damaged as exc:
            reason = exc
        number = self.number_at(base) + 1
        end = self.bases[number] if number < len(self.bases) else max(base, self._recorded())
        logger.error("Of a log, the %d bytes of %s are lost: %s", end - base, self._names(base)[1], reason)
        said = DAMAGED if isinstance(reason, Damaged) else GONE
        return LostFile(self._names(base), end - base, said)

    def _opened(self, base: int) -> File:
        return opened(self._shelf, *self._names(base))

    def _names(self, base: int) -> tuple[str, str]:
        return segment_name(self._container, base), packed_name(self._container, base)

    def _keep(self, base: int, file: File) -> None:
        self._files[base] = file
        if len(self._files) > OPEN_AT_ONCE:
            self._close(next(iter(self._files)))

    def _close(self, base: int) -> None:
        file = self._files.pop(base)
        self._lost.update((base + first, base + last) for first, last in file.lost())
        file.close()
