"""The writer of a log that the platform fetches from a cluster: it may be killed at any byte, and the next one goes on
exactly where the files end. One at a time: the index is locked while it is open.

Bytes are written first and their records after them, all those of one call at once. What no record covers when the log
is opened is cut off and fetched again (format.py); readers that had seen it see the same bytes come back.

A third file, <container>.pod, names the pod that the log is of, and where in the log its output begins: a cluster may
give a replica a new pod, as Kueue does to an attempt that it let wait for others.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from jobs.logs import locks, worklist
from jobs.logs.files import SegmentsWriter, open_index, write_all
from jobs.logs.format import END, KIND, MARKER, OUTPUT, RECORD, lag_flags, lag_ns
from jobs.logs.index import Record
from jobs.logs.position import LogPosition, Times, Trail
from jobs.logs.store import LogBusy, LogSealed

HASHED_AT_ONCE = 1 << 20
LENGTH_MAX = (1 << 32) - 1
ANEW = "The cluster gave this replica a new pod; what follows is its output."
GAP = "Lines may be missing here: the cluster rotated or removed the log before it could be read."


class CapturedLogWriter:
    """Raises LogBusy when another process has it open, or packs it. `limit`: how many bytes are kept."""

    def __init__(self, directory: Path, container: str, uid: str, limit: int, segment_bytes: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._limit = limit
        with locks.exclusive(directory), ExitStack() as opened:
            self._index = open_index(directory, container)
            opened.callback(os.close, self._index)
            if not locks.is_taken(self._index):
                raise LogBusy
            self._segments = SegmentsWriter(directory, container, segment_bytes)
            opened.callback(self._segments.close)
            last = self._mend()
            self._time_ns = last.time_ns if last else 0
            self._last_kind = last.flags & KIND if last else OUTPUT
            self._begin = self._of_pod(directory / f"{container}.pod", uid)
            opened.pop_all()

    @property
    def is_sealed(self) -> bool:
        return self._last_kind == END

    @property
    def is_full(self) -> bool:
        """The limit was reached, and the log says so."""
        return self._segments.end > self._limit

    def position(self) -> LogPosition | None:
        """Where in the cluster's log to go on from; None: at its beginning."""
        start, end, time_ns = self._last_run()
        trail = Trail()
        while start < end and (data := self._segments.read(start, min(HASHED_AT_ONCE, end - start))):
            trail.add(data, ((0, time_ns),))
            start += len(data)
        found = trail.position
        return found and replace(found, latest_ns=max(found.latest_ns, self._time_ns))

    def append(self, data: bytes, times: Times) -> None:
        """What is over the limit is dropped, after a line that says so."""
        if self.is_sealed:
            raise LogSealed
        room = max(0, self._limit - self._segments.end)
        if not self.is_full and room:
            self._write(data[:room], [mark for mark in times if mark[0] < room], OUTPUT)
        if len(data) > room and not self.is_full:
            self._mark(f"The log reached its limit: {self._segments.end} bytes are kept, what follows is not.")

    def gap(self) -> None:
        """A line that says that something may be missing here; not twice in a row."""
        if not self.is_full and not self._ends_with(GAP):
            self._mark(GAP)

    def seal(self) -> None:
        if not self.is_sealed:
            write_all(self._index, memoryview(RECORD.pack(self._segments.end, self._time_ns or time.time_ns(), 0, END)))
            self._last_kind = END
            worklist.add(self._directory)

    def close(self) -> None:
        self._segments.close()
        os.close(self._index)

    def _of_pod(self, path: Path, uid: str) -> int:
        """Where the pod's output begins. The log of another pod goes on with this one's, after a line that says so."""
        found, _space, begin = (path.read_text() if path.exists() else "").partition(" ")
        if found == uid:
            return int(begin)
        if self._segments.end:
            self._unseal()
            if not self._ends_with(ANEW):
                self._mark(ANEW)
        replaced = path.with_suffix(".pod.new")
        replaced.write_text(f"{uid} {self._segments.end}")
        replaced.replace(path)
        return self._segments.end

    def _ends_with(self, text: str) -> bool:
        line = as_line(text)
        return self._last_kind == MARKER and self._segments.read(self._segments.end - len(line), len(line)) == line

    def _unseal(self) -> None:
        if self.is_sealed:
            os.ftruncate(self._index, os.fstat(self._index).st_size - RECORD.size)
            self._last_kind = OUTPUT

    def _mark(self, text: str) -> None:
        """A line of the platform's own; it begins a line, whatever was printed before it."""
        cut = self._segments.end > 0 and self._segments.read(self._segments.end - 1, 1) != b"\n"
        self._write(b"\n" * cut + as_line(text), [(0, self._time_ns or time.time_ns())], MARKER)

    def _write(self, data: bytes, times: Times, kind: int) -> None:
        if self._segments.is_due():
            self._segments.roll()
            worklist.add(self._directory)
        index_size, end = os.fstat(self._index).st_size, self._segments.end
        try:
            records, time_ns = self._records(len(data), times, kind)
            self._segments.write(memoryview(data))
            write_all(self._index, memoryview(records))
        except OSError:
            os.ftruncate(self._index, index_size)
            self._segments.cut(end)
            raise
        self._time_ns, self._last_kind = time_ns, kind

    def _records(self, size: int, times: Times, kind: int) -> tuple[bytes, int]:
        """The records, and the last one's time."""
        records, latest, offset = [], self._time_ns, self._segments.end
        for number, (start, time_ns) in enumerate(times):
            end = times[number + 1][0] if number + 1 < len(times) else size
            latest = max(latest, time_ns)
            records.append(RECORD.pack(offset + start, latest, end - start, kind | lag_flags(latest - time_ns)))
        return b"".join(records), latest

    def _mend(self) -> Record | None:
        """Cut the files back to the last record that stands for bytes that are there; answers that record."""
        size = self._segments.end
        count = os.fstat(self._index).st_size // RECORD.size
        last = None
        for record in self._records_back(count):
            if self._stands(record, size):
                last = record
                break
            count -= 1
        os.ftruncate(self._index, count * RECORD.size)
        self._segments.cut(last.end if last else 0)
        return self._cover(last)

    def _stands(self, record: Record, size: int) -> bool:
        """A crash of the machine may leave zeros where a record or bytes should be, or records without their bytes."""
        if record.is_void or record.end > size:
            return False
        return not record.length or self._segments.read(record.end - 1, 1) != b"\0"

    def _cover(self, last: Record | None) -> Record | None:
        """Packed bytes stay, though the records of them be lost."""
        offset, time_ns = (last.end, last.time_ns) if last else (0, 0)
        if self._segments.end <= offset:
            return last
        lost = Record(offset, time_ns, min(self._segments.end - offset, LENGTH_MAX), OUTPUT)
        write_all(self._index, memoryview(RECORD.pack(*lost)))
        return self._cover(lost)

    def _last_run(self) -> tuple[int, int, int]:
        """From where to where the last records of output go that have all just the same time, and that time."""
        start = end = self._segments.end
        time_ns: int | None = None
        for record in self._records_back(os.fstat(self._index).st_size // RECORD.size):
            exact = record.time_ns - lag_ns(record.flags)
            if record.offset < self._begin:
                break
            if record.flags & KIND == OUTPUT and time_ns in (None, exact):
                start, time_ns = record.offset, exact
            elif time_ns is None:
                start = end = record.offset
            else:
                break
        return start, end, time_ns or 0

    def _records_back(self, count: int) -> Iterator[Record]:
        for number in range(count - 1, -1, -1):
            yield Record(*RECORD.unpack(os.pread(self._index, RECORD.size, number * RECORD.size)))


def as_line(text: str) -> bytes:
    return f"[platform] {text}\n".encode()
