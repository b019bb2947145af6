"""Where the files of one log are: in its directory, or elsewhere once it is closed. Pure.

A reader goes through these alone, so that the same code reads a log from this machine's disk and from a bucket.
"""

import os
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Protocol


class Blob(Protocol):
    """One file of a log. What was written in it never changes; only a log's last raw files still grow."""

    name: str
    identity: Hashable  # the same for the same bytes alone, by which what was read of it is kept in memory

    def size(self) -> int:
        """Bytes that can be read now."""

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes; fewer, or none, at the end. Raises OSError."""

    def close(self) -> None: ...


class Shelf(Protocol):
    """All the files of one log."""

    def names(self) -> Sequence[str]:
        """Of the container's files, sorted; none when there is no such log. Raises OSError."""

    def open(self, name: str) -> Blob:
        """Raises FileNotFoundError, and other kinds of OSError."""


class FileBlob:
    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.identity: Hashable = str(path)
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def size(self) -> int:
        return os.fstat(self._fd).st_size

    def read(self, offset: int, size: int) -> bytes:
        return os.pread(self._fd, size, offset)

    def close(self) -> None:
        os.close(self._fd)


class DirectoryShelf:
    def __init__(self, directory: Path, container: str) -> None:
        self._directory = directory
        self._container = container

    def names(self) -> Sequence[str]:
        try:
            names = [path.name for path in self._directory.iterdir()]
        except FileNotFoundError:
            return ()
        return sorted(name for name in names if name.startswith(f"{self._container}."))

    def open(self, name: str) -> FileBlob:
        return FileBlob(self._directory / name)
