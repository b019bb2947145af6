"""Packs the files of a log that do not change any more, in the zstd seekable format (seekable.py).

Closed is every segment that another one follows, and all of them, and the index, once the log has its END. Killed at
any point, this leaves each segment whole in one of its two files: the packed one is on the disk, under a name that no
reader looks for, before it gets its own, and only then the other goes. A reader that has that open keeps it. No writer
waits: those add to the last segment of a log without END alone. Only the last step, for a log that has one, is done
under the directory's lock, as somebody could open it to write on.

One process packs at a time (packer.py).
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

from jobs.logs import durable, locks, seekable
from jobs.logs.blobs import DirectoryShelf, FileBlob
from jobs.logs.directory import bases_in, recorded
from jobs.logs.format import (
    CONTAINER,
    RECORD,
    base_of,
    index_name,
    index_path,
    packed_index_name,
    packed_name,
    segment_name,
)
from jobs.logs.index import Index
from jobs.logs.lines import Lines
from jobs.logs.seekable import Damaged
from jobs.logs.segments import Segments
from jobs.logs.store import LogBusy

logger = logging.getLogger(__name__)

WORTH_BYTES = 64 << 10  # a smaller file of a log that has its END stays as it is
INDEX_FRAME = seekable.FRAME // 4 // RECORD.size * RECORD.size  # whole records: a search reads one of a frame
DRAFT = ".packing"

Stop = Callable[[], bool]


def pack(directory: Path, container: str = CONTAINER, *, stop: Stop = lambda: False) -> bool:
    """Packs what can be, in order, until `stop` says so between two files. Answers whether all of it was done; of a
    log that is written to there may be more at any time. Raises OSError."""
    remove_drafts(directory, container)
    if not pack_closed(directory, container, stop):
        return False
    if not is_sealed(directory, container):
        return True
    try:
        with locks.exclusive(directory):
            return pack_sealed(directory, container, stop)
    except LogBusy:
        return False


def is_sealed(directory: Path, container: str = CONTAINER) -> bool:
    with closing(Index(DirectoryShelf(directory, container), container)) as index:
        return index.is_complete()


def closed_files(directory: Path, container: str = CONTAINER) -> list[Path] | None:
    """All files of the log's output and index. None as long as they may change: without END, or still to be packed.
    To be sure that they stay, ask under the directory's lock."""
    if not is_sealed(directory, container):
        return None
    names = DirectoryShelf(directory, container).names()
    wanted = (index_name(container), packed_index_name(container))
    found = [directory / name for name in names if name in wanted or base_of(container, name) is not None]
    return None if any(is_worth_it(path) for path in found) else found


def is_worth_it(path: Path) -> bool:
    """Also a file that was packed, and is there still."""
    if path.suffix == ".zst":
        return False
    container = path.name.partition(".")[0]
    base = base_of(container, path.name)
    packed = packed_index_name(container) if base is None else packed_name(container, base)
    return path.stat().st_size >= WORTH_BYTES or (path.parent / packed).exists()


def pack_closed(directory: Path, container: str, stop: Stop) -> bool:
    """The segments that another one follows."""
    bases = bases_in(directory, container)
    covered = 0
    for base, end in pairwise(bases):
        if not (directory / segment_name(container, base)).exists():
            continue
        if stop():
            return False
        covered = covered or recorded_for_good(directory, container)
        if covered < end:
            return True  # the writer is just about to write the record
        pack_segment(directory, container, base)
    return True


def pack_sealed(directory: Path, container: str, stop: Stop) -> bool:
    with open_index_file(directory, container) as index:
        if not is_sealed(directory, container) or (index is not None and not locks.is_taken(index)):
            return False  # meanwhile somebody writes on
        if not pack_closed(directory, container, stop):
            return False
        base = bases_in(directory, container)[-1]
        last = directory / segment_name(container, base)
        if last.exists() and is_worth_it(last):
            if stop():
                return False
            recorded_for_good(directory, container)
            pack_segment(directory, container, base)
        if index is not None and is_worth_it(index_path(directory, container)):
            pack_index(directory, container)
    return True


@contextmanager
def open_index_file(directory: Path, container: str) -> Iterator[int | None]:
    """None when it is not there: packed, or never written."""
    try:
        descriptor = os.open(index_path(directory, container), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def recorded_for_good(directory: Path, container: str) -> int:
    """Up to where the index knows of bytes, and will after a crash of the machine."""
    end = recorded(DirectoryShelf(directory, container), container)
    with open_index_file(directory, container) as index:
        if index is not None:
            os.fsync(index)
    return end


def pack_segment(directory: Path, container: str, base: int) -> None:
    packed = directory / packed_name(container, base)
    shelf = DirectoryShelf(directory, container)
    with closing(Segments(shelf, container, lambda: recorded(shelf, container))) as segments:
        number = segments.number_at(base) + 1
        end = segments.bases[number] if number < len(segments.bases) else segments.size()
        if not is_whole(packed, end - base):
            pieces = in_pieces(segments.read, base, end, seekable.FRAME)
            write(packed, pieces, end - base, Lines(segments).before(base))
    (directory / segment_name(container, base)).unlink()


def pack_index(directory: Path, container: str) -> None:
    path, packed = index_path(directory, container), directory / packed_index_name(container)
    with closing(FileBlob(path)) as plain:
        size = plain.size() // RECORD.size * RECORD.size
        if not is_whole(packed, size):
            write(packed, in_pieces(plain.read, 0, size, INDEX_FRAME), size, seekable.UNKNOWN, searched=False)
    path.unlink()


def in_pieces(read: Callable[[int, int], bytes], start: int, end: int, size: int) -> Iterator[bytes]:
    for offset in range(start, end, size):
        yield read(offset, min(size, end - offset))


def write(path: Path, pieces: Iterable[bytes], size: int, lines_before: int, *, searched: bool = True) -> None:
    """Whole and on the disk, or not at all; looked at before it counts, as it shall take the place of the only copy."""
    draft = path.with_name(path.name + DRAFT)
    with draft.open("wb") as file:
        seekable.pack(pieces, file, lines_before, searched=searched)
        file.flush()
        os.fsync(file.fileno())
    if not is_whole(draft, size):
        draft.unlink()
        raise OSError(f"{path} cannot be read as it was just written")
    durable.rename(draft, path)


def is_whole(path: Path, size: int) -> bool:
    """Whether it is there, and all of it can be unpacked."""
    try:
        blob = FileBlob(path)
    except FileNotFoundError:
        return False
    with closing(blob):
        try:
            table = seekable.read_table(blob)
            for number in range(len(table.checksums)):
                seekable.read_frame(blob, table, number)
        except Damaged as exc:
            logger.error("%s is packed again: %s", path, exc)
            return False
    return table.size == size


def remove_drafts(directory: Path, container: str) -> None:
    for path in directory.glob(f"{container}.*{DRAFT}"):
        path.unlink(missing_ok=True)
