"""The index of one log: times by offset and offsets by time, by binary search in the file. See format.py."""

import logging
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from jobs.logs.blobs import Shelf
from jobs.logs.format import END, KIND, MARKER, OUTPUT, RECORD, index_name, packed_index_name
from jobs.logs.seekable import Damaged
from jobs.logs.segments import File, PackedFile, opened
from jobs.logs.store import Segment

logger = logging.getLogger(__name__)

BATCH = 2048  # records read at once when going through the index: 48 KiB


class Record(NamedTuple):
    offset: int
    time_ns: int
    length: int
    flags: int

    @property
    def end(self) -> int:
        return self.offset + self.length

    @property
    def is_void(self) -> bool:
        return not self.length and self.flags & KIND != END


class PackedIndex(PackedFile):
    """In the place of records that cannot be read stands the one before them: what they spoke of has its time."""

    def _instead(self, number: int) -> bytes:
        begin, end = self.table.begins[number : number + 2]
        before = RECORD.unpack(self.read(begin - RECORD.size, RECORD.size)) if begin else (0, 0, 0, OUTPUT)
        return RECORD.pack(before[0], before[1], 0, OUTPUT) * ((end - begin) // RECORD.size)


class Index:
    """Reads an index that may be growing, and that may not be there yet: then it has no records. The same if it cannot
    be read: then nobody knows the times."""

    def __init__(self, shelf: Shelf, container: str) -> None:
        self._shelf = shelf
        self._container = container
        self._file: File | None = None
        self._is_lost = False  # packed, and not to be read
        self._void = (0, 0)  # a size, and how many of its records are none
        self._first = 0  # number of the first record in the batch
        self._offsets: list[int] = []
        self._times: list[int] = []

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def count(self) -> int:
        """Whole records; a torn one at the end is not there, nor are those that a crash of the machine left as
        zeros."""
        if self._file is None and (self._is_lost or not self._open()):
            return 0
        assert self._file is not None
        size = self._file.size()
        return size // RECORD.size - (self._void[1] if size == self._void[0] else 0)

    def _open(self) -> bool:
        try:
            plain, packed = index_name(self._container), packed_index_name(self._container)
            self._file = opened(self._shelf, plain, packed, PackedIndex)
        except FileNotFoundError:
            return False
        except Damaged as exc:
            self._is_lost = True
            logger.error("The times in a log of %s are lost: %s", self._container, exc)
            return False
        if isinstance(self._file, PackedIndex):
            return True
        size, void = self._file.size(), 0
        while void < size // RECORD.size and self._record(size // RECORD.size - void - 1).is_void:
            void += 1
        self._void = (size, void)
        return True

    def last(self) -> Record | None:
        count = self.count()
        return self._record(count - 1) if count else None

    def is_complete(self) -> bool:
        last = self.last()
        # Only that of a log which has its END is packed.
        return self._is_lost or isinstance(self._file, PackedIndex) or (last is not None and last.flags & KIND == END)

    def offset_of(self, time_ns: int) -> int | None:
        """The offset of the first record at or after the time, None when there is none."""
        count = self.count()
        number = bisect_left(range(count), time_ns, key=lambda at: self._record(at).time_ns)
        return self._record(number).offset if number < count else None

    def segments(self, start: int, end: int) -> Iterator[Segment]:
        """[start, end) cut where a record begins. What comes before the first record has that one's time, without any
        now's: the first is about to be written. What comes after a record and before the next one has that record's
        time."""
        # Counted once: a record that is added meanwhile must not show in one step and not in the next.
        count = self.count()
        unknown_ns = self._record(0).time_ns if count else time.time_ns()
        while start < end:
            place = self._place(start, count)
            time_ns = self._times[place] if place >= 0 else unknown_ns
            following = place + 1
            if following < len(self._offsets):
                stop = min(end, self._offsets[following])
            else:
                stop = min(end, self._after_batch(count, end))
            yield Segment(start, stop, time_ns)
            start = stop

    def markers(self, start: int, end: int) -> Iterator[Segment]:
        """The platform's own lines of which a part is in [start, end)."""
        count = self.count()
        number = max(0, bisect_right(range(count), start, key=lambda at: self._record(at).offset) - 1)
        while number < count:
            for offset, time_ns, length, flags in RECORD.iter_unpack(self._raw(number, count)):
                if offset >= end:
                    return
                if flags & KIND == MARKER and offset + length > start:
                    yield Segment(offset, offset + length, time_ns)
            number += BATCH

    def _place(self, offset: int, count: int) -> int:
        """Which record of the batch holds the offset, -1 when it comes before all records. Loads another batch when
        the one at hand does not reach."""
        if not self._offsets or offset < self._offsets[0] or offset >= self._after_batch(count, offset + 1):
            number = bisect_right(range(count), offset, key=lambda at: self._record(at).offset) - 1
            self._load(max(number, 0), count)
        return bisect_right(self._offsets, offset) - 1

    def _after_batch(self, count: int, end: int) -> int:
        """Where the first record after the batch begins, `end` when there is none."""
        number = self._first + len(self._offsets)
        return self._record(number).offset if number < count else end

    def _load(self, first: int, count: int) -> None:
        records = list(RECORD.iter_unpack(self._raw(first, count)))
        self._first = first
        self._offsets = [record[0] for record in records]
        self._times = [record[1] for record in records]

    def _raw(self, first: int, count: int) -> bytes:
        """A batch of whole records."""
        wanted = min(BATCH, count - first) * RECORD.size
        raw = self._file.read(first * RECORD.size, wanted) if self._file is not None else b""
        return raw[: len(raw) - len(raw) % RECORD.size]

    def _record(self, number: int) -> Record:
        assert self._file is not None  # count() was over `number`, so the file is open
        return Record(*RECORD.unpack(self._file.read(number * RECORD.size, RECORD.size)))
