"""What the files in a log's directory say, for who changes them."""

import os
from contextlib import closing
from pathlib import Path

from jobs.logs.blobs import Shelf
from jobs.logs.format import base_of
from jobs.logs.index import Index


def bases_in(directory: Path, container: str) -> list[int]:
    """Where the segments begin that are there."""
    names = os.listdir(directory)  # noqa: PTH208 (names alone are wanted)
    return sorted({base for name in names if (base := base_of(container, name)) is not None})


def recorded(shelf: Shelf, container: str) -> int:
    """Up to where the index knows of bytes."""
    with closing(Index(shelf, container)) as index:
        last = index.last()
        return last.end if last else 0
