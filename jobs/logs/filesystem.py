"""The log store in a directory: append-only files for each pod, as format.py describes them.

One process writes a log; any number read it at the same time, without locks: a record is written after its bytes, and
nothing that was written changes.
"""

import os
import shutil
from pathlib import Path

from django.conf import settings

from jobs.logs import locks, worklist
from jobs.logs.captured import CapturedLogWriter
from jobs.logs.files import SEGMENT_BYTES, SegmentsWriter, open_index, write_all
from jobs.logs.format import END, KIND, OUTPUT, RECORD, index_path, pod_dir
from jobs.logs.index import Record
from jobs.logs.objects.removal import note_removal
from jobs.logs.objects.shelf import StoredShelf
from jobs.logs.segmented import SegmentedLog
from jobs.logs.store import CaptureWriter, LogKey, LogSealed, LogStore

LENGTH_MAX = (1 << 32) - 1
PATIENCE_SECONDS = 5.0  # until who packs the log's last segment has done so


def configured_store() -> LogStore:
    """The store that the settings name."""
    return FilesystemLogStore(Path(settings.LOG_DIR), settings.LOG_SEGMENT_BYTES)


class FilesystemLogStore:
    def __init__(self, root: Path, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.root = root
        self._segment_bytes = segment_bytes

    def open(self, key: LogKey) -> SegmentedLog:
        return SegmentedLog(StoredShelf(self._directory(key), key.container), key.container)

    def writer(self, key: LogKey) -> "FilesystemLogWriter":
        return FilesystemLogWriter(self._directory(key), key.container, self._segment_bytes)

    def capture_writer(self, key: LogKey, uid: str, limit: int) -> CaptureWriter:
        return CapturedLogWriter(self._directory(key), key.container, uid, limit, self._segment_bytes)

    def watch_path(self, key: LogKey) -> Path:
        return index_path(self._directory(key), key.container)

    def remove_job(self, job_id: str) -> None:
        note_removal(self.root, job_id)
        try:
            shutil.rmtree(self.root / job_id)
        except FileNotFoundError:
            return

    def _directory(self, key: LogKey) -> Path:
        return pod_dir(self.root, key.job_id, key.attempt, key.replica)


class FilesystemLogWriter:
    """Raises LogBusy when the log is being packed or moved for longer than the patience, and OSError."""

    def __init__(self, directory: Path, container: str, segment_bytes: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        with locks.exclusive(directory, PATIENCE_SECONDS):
            self._index = open_index(directory, container)
            try:
                self._segments = SegmentsWriter(directory, container, segment_bytes)
            except BaseException:
                os.close(self._index)
                raise
        self._sealed, self._time_ns = mend(self._index, self._segments.end)

    def append(self, data: bytes, time_ns: int, flags: int = OUTPUT) -> None:
        if self._sealed:
            raise LogSealed
        view = memoryview(data)
        for start in range(0, len(view), LENGTH_MAX):
            if self._segments.is_due():
                self._segments.roll()
                worklist.add(self._directory)
            piece = view[start : start + LENGTH_MAX]
            self._segments.write(piece)
            self._write_record(time_ns, len(piece), flags)

    def seal(self, time_ns: int) -> None:
        if not self._sealed:
            self._write_record(time_ns, 0, END)
            self._sealed = True
            worklist.add(self._directory)

    def close(self) -> None:
        self._segments.close()
        os.close(self._index)

    def _write_record(self, time_ns: int, length: int, flags: int) -> None:
        self._time_ns = max(self._time_ns, time_ns)
        offset = self._segments.end - length
        write_all(self._index, memoryview(RECORD.pack(offset, self._time_ns, length, flags)))


def mend(index: int, log_size: int) -> tuple[bool, int]:
    """Cut off a torn last record, what a crash of the machine left as zeros, and records of bytes that it took. Answers
    whether the log is sealed, and its last time."""
    count = os.fstat(index).st_size // RECORD.size
    last = None
    while count and last is None:
        last = Record(*RECORD.unpack(os.pread(index, RECORD.size, (count - 1) * RECORD.size)))
        if last.is_void or last.offset > log_size:
            count, last = count - 1, None
    os.ftruncate(index, count * RECORD.size)
    return (last.flags & KIND == END, last.time_ns) if last else (False, 0)
