"""The log store in a directory: two append-only files a pod, as format.py describes them.

One process writes a log; any number read it at the same time, without locks: a record is written after its bytes, and
nothing that was written changes.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from jobs.logs.captured import CapturedLogWriter
from jobs.logs.files import CREATE, write_all
from jobs.logs.format import END, OUTPUT, RECORD, index_path, log_path, pod_dir
from jobs.logs.index import Index
from jobs.logs.lines import after_newlines, count_lines
from jobs.logs.store import CaptureWriter, LogKey, LogNotFound, LogSealed, LogStore, Segment

LENGTH_MAX = (1 << 32) - 1


def configured_store() -> LogStore:
    """The store that the settings name."""
    return FilesystemLogStore(Path(settings.LOG_DIR))


class FilesystemLogStore:
    def __init__(self, root: Path) -> None:
        self.root = root

    def open(self, key: LogKey) -> "FilesystemPodLog":
        return FilesystemPodLog(self._directory(key), key.container)

    def writer(self, key: LogKey) -> "FilesystemLogWriter":
        return FilesystemLogWriter(self._directory(key), key.container)

    def capture_writer(self, key: LogKey, uid: str, limit: int) -> CaptureWriter:
        return CapturedLogWriter(self._directory(key), key.container, uid, limit)

    def watch_path(self, key: LogKey) -> Path:
        return index_path(self._directory(key), key.container)

    def remove_job(self, job_id: str) -> None:
        try:
            shutil.rmtree(self.root / job_id)
        except FileNotFoundError:
            return

    def _directory(self, key: LogKey) -> Path:
        return pod_dir(self.root, key.job_id, key.attempt, key.replica)


class FilesystemPodLog:
    def __init__(self, directory: Path, container: str) -> None:
        try:
            self._fd = os.open(log_path(directory, container), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as exc:
            raise LogNotFound(str(directory)) from exc
        self._index = Index(index_path(directory, container))

    def size(self) -> int:
        return os.fstat(self._fd).st_size

    def is_complete(self) -> bool:
        return self._index.is_complete()

    def timed_size(self) -> int:
        last = self._index.last()
        return min(last.end, self.size()) if last else 0

    def read(self, offset: int, size: int) -> bytes:
        return os.pread(self._fd, size, offset)

    def segments(self, start: int, end: int) -> Iterator[Segment]:
        return self._index.segments(start, end, os.fstat(self._fd).st_mtime_ns)

    def markers(self, start: int, end: int) -> Iterator[Segment]:
        return self._index.markers(start, end)

    def offset_of(self, time_ns: int) -> int:
        offset = self._index.offset_of(time_ns)
        return self.size() if offset is None else min(offset, self.size())

    def line_at(self, offset: int) -> int:
        return count_lines(self, 0, offset)

    def offset_of_line(self, number: int) -> int:
        return after_newlines(self, 0, number)

    def close(self) -> None:
        self._index.close()
        os.close(self._fd)


class FilesystemLogWriter:
    def __init__(self, directory: Path, container: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._log = os.open(log_path(directory, container), CREATE, 0o640)
        self._index = os.open(index_path(directory, container), CREATE, 0o640)
        self._offset = os.fstat(self._log).st_size
        self._sealed, self._time_ns = mend(self._index, self._offset)

    def append(self, data: bytes, time_ns: int, flags: int = OUTPUT) -> None:
        if self._sealed:
            raise LogSealed
        view = memoryview(data)
        for start in range(0, len(view), LENGTH_MAX):
            piece = view[start : start + LENGTH_MAX]
            write_all(self._log, piece)
            self._write_record(time_ns, len(piece), flags)

    def seal(self, time_ns: int) -> None:
        if not self._sealed:
            self._write_record(time_ns, 0, END)
            self._sealed = True

    def close(self) -> None:
        os.close(self._log)
        os.close(self._index)

    def _write_record(self, time_ns: int, length: int, flags: int) -> None:
        self._time_ns = max(self._time_ns, time_ns)
        write_all(self._index, memoryview(RECORD.pack(self._offset, self._time_ns, length, flags)))
        self._offset += length


def mend(index: int, log_size: int) -> tuple[bool, int]:
    """Cut off a torn last record, and records of bytes that a crash of the machine took. Answers whether the log is
    sealed, and its last time."""
    count = os.fstat(index).st_size // RECORD.size
    last = (0, 0, 0, OUTPUT)
    while count:
        last = RECORD.unpack(os.pread(index, RECORD.size, (count - 1) * RECORD.size))
        if last[0] <= log_size:
            break
        count -= 1
        last = (0, 0, 0, OUTPUT)
    os.ftruncate(index, count * RECORD.size)
    return last[3] & END != 0, last[1]
