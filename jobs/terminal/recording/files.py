"""Where recordings are kept, how one is written, and how far one is whole.

One process writes a file, once, from its beginning. Any number may read it meanwhile and after: what a killed server or
a lost power supply left at its end is not an event, and is cut when it is read (whole_part), never repaired in place.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from jobs.logs.files import CREATE, write_all
from jobs.terminal.recording import asciicast

BLOCK = 64 * 1024
READ = os.O_RDONLY | os.O_CLOEXEC
# All reading and writing of recordings in this process: a disk that hangs holds up these, and no event loop.
THREADS = ThreadPoolExecutor(2, thread_name_prefix="recordings")
PRIVATE_FILE, PRIVATE_DIRECTORY = 0o600, 0o700


class RecordingFull(Exception):
    """The next line would go over the size limit."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The part of a recording that ends with a whole event."""

    size: int
    seconds: float


def path_of(public_id: str) -> Path:
    """A directory for each stretch of six days: the ids begin with the time."""
    root: Path = settings.RECORDING_DIR
    return root / public_id[:7] / f"{public_id}.cast"


class RecordingFile:
    """Not for several threads at once. Every method may raise OSError; what was whole before stays whole."""

    def __init__(self, public_id: str, header: bytes, limit: int) -> None:
        """Raises OSError."""
        path = path_of(public_id)
        path.parent.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        self.fd = os.open(path, CREATE | os.O_EXCL, PRIVATE_FILE)
        self.size, self.limit = 0, limit
        try:
            self.write(header)
        except OSError:
            os.close(self.fd)
            raise

    def write(self, lines: bytes) -> None:
        """Whole lines, or none of them. Raises RecordingFull too."""
        if self.size + len(lines) > self.limit:
            raise RecordingFull
        self.write_last(lines)

    def write_last(self, lines: bytes) -> None:
        """For the word that nothing follows: it may go over the limit."""
        try:
            write_all(self.fd, memoryview(lines))
        except OSError:
            os.ftruncate(self.fd, self.size)
            raise
        self.size += len(lines)

    def sync(self) -> None:
        os.fdatasync(self.fd)

    def close(self) -> None:
        os.close(self.fd)


def whole_part(fd: int) -> Whole:
    """Looks from the end back for the last whole event, however much behind it is none. 0 bytes where not even the
    header is there."""
    end = os.fstat(fd).st_size
    while end > 0:
        end, line = last_line(fd, end)
        seconds = asciicast.last_event_time(line)
        if seconds is not None:
            return Whole(end, seconds)
        end -= len(line)
    return Whole(0, 0.0)


def last_line(fd: int, end: int) -> tuple[int, bytes]:
    """The last line that has its newline before `end`, and where it ends."""
    stop = end_of_lines(fd, end)
    start = end_of_lines(fd, stop - 1)
    return stop, os.pread(fd, stop - start, start)


def end_of_lines(fd: int, end: int) -> int:
    """Behind the last newline before `end`; 0 where there is none."""
    while end > 0:
        start = max(0, end - BLOCK)
        at = os.pread(fd, end - start, start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0


def remove(public_id: str) -> None:
    """Raises OSError, but not when it is gone already."""
    path_of(public_id).unlink(missing_ok=True)
