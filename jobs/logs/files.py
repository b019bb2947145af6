"""How the writers of logs open and write their files."""

import os
from contextlib import closing
from pathlib import Path

from jobs.logs import durable
from jobs.logs.blobs import DirectoryShelf
from jobs.logs.directory import bases_in, recorded
from jobs.logs.format import index_path, packed_index_name, packed_name, segment_name
from jobs.logs.index import PackedIndex
from jobs.logs.objects.manifest import away_path
from jobs.logs.segments import Segments

CREATE = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
SEGMENT_BYTES = 64 << 20


def write_all(fd: int, view: memoryview) -> None:
    while view:
        view = view[os.write(fd, view) :]


def open_index(directory: Path, container: str) -> int:
    """To add to it, unpacked if it was packed, and brought back if the log was away. Only for who has the directory's
    lock (locks.py). Raises OSError."""
    if away_path(directory, container).exists():
        from jobs.logs.objects.back import bring_back  # seldom, and it brings Django with it

        bring_back(directory, container)
    path, packed = index_path(directory, container), directory / packed_index_name(container)
    if packed.exists():
        if not path.exists():
            durable.write(path, unpacked(directory, container))
        packed.unlink()
    return os.open(path, CREATE, 0o640)


def unpacked(directory: Path, container: str) -> bytes:
    index = PackedIndex(DirectoryShelf(directory, container).open(packed_index_name(container)))
    with closing(index):
        return index.read(0, index.size())


class SegmentsWriter:
    """Adds to the output of one log; `end` is its size. Only for who has the directory's lock while it is opened.

    Each segment begins where the one before it ends. One that is packed is left as it is: another begins behind it."""

    def __init__(self, directory: Path, container: str, segment_bytes: int) -> None:
        self._directory = directory
        self._container = container
        self._segment_bytes = segment_bytes
        self._fd, self._base, self.end = self._open_last()

    def is_due(self) -> bool:
        """Whether the segment at hand is as large as it shall be."""
        return self.end - self._base >= self._segment_bytes

    def roll(self) -> None:
        """Begin another segment. Raises OSError; then the one at hand goes on."""
        fd = self._open(self.end)
        os.close(self._fd)
        self._fd, self._base = fd, self.end

    def write(self, data: memoryview) -> None:
        """Raises OSError; then a part of it may be there (see cut)."""
        write_all(self._fd, data)
        self.end += len(data)

    def read(self, offset: int, size: int) -> bytes:
        with closing(self._reader()) as segments:
            return segments.read(offset, size)

    def cut(self, end: int) -> None:
        """Take back what is behind the offset, as far as it is not packed."""
        bases = bases_in(self._directory, self._container)
        while len(bases) > 1 and bases[-1] > end and not self._is_packed(bases[-1]):
            (self._directory / segment_name(self._container, bases.pop())).unlink()
        if bases[-1] != self._base:
            os.close(self._fd)
            self._fd, self._base, self.end = self._open_last()
        self.end = max(end, self._base)
        os.ftruncate(self._fd, self.end - self._base)

    def close(self) -> None:
        os.close(self._fd)

    def _open_last(self) -> tuple[int, int, int]:
        """Its descriptor, where it begins, and where it ends."""
        base = (bases_in(self._directory, self._container) or [0])[-1]
        if self._is_packed(base):
            with closing(self._reader()) as segments:
                base = segments.size()
        fd = self._open(base)
        return fd, base, base + os.fstat(fd).st_size

    def _open(self, base: int) -> int:
        return os.open(self._directory / segment_name(self._container, base), CREATE, 0o640)

    def _is_packed(self, base: int) -> bool:
        return (self._directory / packed_name(self._container, base)).exists()

    def _reader(self) -> Segments:
        shelf = DirectoryShelf(self._directory, self._container)
        return Segments(shelf, self._container, lambda: recorded(shelf, self._container))
