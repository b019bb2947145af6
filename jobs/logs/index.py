"""The index of one log: times by offset and offsets by time, by binary search in the file. See format.py."""

import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from jobs.logs.format import END, KIND, MARKER, RECORD
from jobs.logs.store import Segment

BATCH = 2048  # records read at once when going through the index: 48 KiB


class Record(NamedTuple):
    offset: int
    time_ns: int
    length: int
    flags: int

    @property
    def end(self) -> int:
        return self.offset + self.length


class Index:
    """Reads an index that may be growing, and that may not be there yet: then it has no records."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None
        self._first = 0  # number of the first record in the batch
        self._offsets: list[int] = []
        self._times: list[int] = []

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def count(self) -> int:
        """Whole records; a torn one at the end is not there."""
        if self._fd is None:
            try:
                self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return 0
        return os.fstat(self._fd).st_size // RECORD.size

    def last(self) -> Record | None:
        count = self.count()
        return self._record(count - 1) if count else None

    def is_complete(self) -> bool:
        last = self.last()
        return last is not None and last.flags & END != 0

    def offset_of(self, time_ns: int) -> int | None:
        """The offset of the first record at or after the time, None when there is none."""
        count = self.count()
        number = bisect_left(range(count), time_ns, key=lambda at: self._record(at).time_ns)
        return self._record(number).offset if number < count else None

    def segments(self, start: int, end: int, unknown_ns: int) -> Iterator[Segment]:
        """[start, end) cut where a record begins. What comes before the first record has the time `unknown_ns`, what
        comes after a record and before the next one has that record's time."""
        # Counted once: a record that is added meanwhile must not show in one step and not in the next.
        count = self.count()
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
        raw = os.pread(self._fd, wanted, first * RECORD.size) if self._fd is not None else b""
        return raw[: len(raw) - len(raw) % RECORD.size]

    def _record(self, number: int) -> Record:
        assert self._fd is not None  # count() was over `number`, so the file is open
        return Record(*RECORD.unpack(os.pread(self._fd, RECORD.size, number * RECORD.size)))
