"""The zstd seekable format: independent frames, so that a reader unpacks only what it wants, and a table at the end.

    frame, frame, …             zstd frames of FRAME bytes each before packing, the last of fewer, each with a checksum
    skippable frame 0x184D2A50  how many lines come before the file, and how many are in each frame
    skippable frame 0x184D2A51  of a segment: the trigrams of each frame (grams.py); files from before there were any
                                have none
    skippable frame 0x184D2A5E  the table: 4 bytes each of packed size, size and checksum for each frame, then
                                the number of frames, a byte of flags, and 0x8F92EAB1. The skippable
                                frames before it are its last entry, of size 0

https://github.com/facebook/zstd/blob/dev/contrib/seekable_format/zstd_seekable_compression_format.md; any zstd unpacks
such a file. The checksum is the low half of XXH64, just what a zstd frame ends with.
"""

import struct
import threading
import zlib
from collections.abc import Iterable
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from jobs.logs import grams
from jobs.logs.blobs import Blob

if TYPE_CHECKING:
    import zstandard

FRAME = 256 << 10
LEVEL = 1  # of 3 and 6 the one is slower, the other much slower, and neither packs logs of numbers better
SKIPPABLE = struct.Struct("<II")
LINES_MAGIC = 0x184D2A50
LINES = struct.Struct("<8sq")
LINES_NAME = b"LINES\0\0\1"
GRAMS_MAGIC = 0x184D2A51
GRAMS_NAME = b"GRAMS\0\0\1"
CRC = struct.Struct("<I")
TABLE_MAGIC = 0x184D2A5E
ENTRY = struct.Struct("<III")
FOOTER = struct.Struct("<IBI")
FOOTER_MAGIC = 0x8F92EAB1
WITH_CHECKSUMS = 0x80
UNKNOWN = -1
MOST_FRAMES = 1 << 24


class Damaged(Exception):
    """The bytes are not what was written."""


class Table(NamedTuple):
    """`packed` and `begins`: where each frame begins in the file and in the data, and where the last one ends. `lines`:
    those before each frame's beginning, and the last one's end; None when they are not known. `grams`: where in the
    file those are, and of how many bytes; none where there are none."""

    packed: list[int]
    begins: list[int]
    checksums: list[int]
    lines: list[int] | None
    grams: tuple[int, int]

    @property
    def size(self) -> int:
        return self.begins[-1]


def pack(pieces: Iterable[bytes], file: BinaryIO, lines_before: int, *, searched: bool = True) -> None:
    """Each piece becomes a frame: of FRAME bytes, but for the last one. `lines_before`: in the log before this file.
    `searched`: the trigrams are kept, too."""
    import zstandard

    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True, write_content_size=True)
    entries, counts, bitmaps = [], [], []
    for piece, following in pairwise(chain(pieces, (b"",))):
        frame = compressor.compress(piece)
        file.write(frame)
        entries.append(ENTRY.pack(len(frame), len(piece), int.from_bytes(frame[-4:], "little")))
        counts.append(piece.count(b"\n"))
        if searched:
            bitmaps.append(grams.bitmap(piece, following))
    lines = LINES.pack(LINES_NAME, lines_before) + struct.pack(f"<{len(counts)}I", *counts)
    notes = skippable(LINES_MAGIC, lines) + (
        skippable(GRAMS_MAGIC, GRAMS_NAME + b"".join(bitmaps)) if searched else b""
    )
    file.write(notes)
    entries.append(ENTRY.pack(len(notes), 0, 0))
    table = b"".join(entries) + FOOTER.pack(len(entries), WITH_CHECKSUMS, FOOTER_MAGIC)
    file.write(SKIPPABLE.pack(TABLE_MAGIC, len(table)) + table)


def skippable(magic: int, data: bytes) -> bytes:
    return SKIPPABLE.pack(magic, len(data) + CRC.size) + data + CRC.pack(zlib.crc32(data))


def read_table(blob: Blob) -> Table:
    """Raises Damaged, and OSError."""
    size = blob.size()
    number, flags, magic = FOOTER.unpack(exactly(blob, size - FOOTER.size, FOOTER.size))
    if magic != FOOTER_MAGIC or flags != WITH_CHECKSUMS or not 0 < number <= MOST_FRAMES:
        raise Damaged("its table has no end")
    length = number * ENTRY.size + FOOTER.size
    head = size - length - SKIPPABLE.size
    table = exactly(blob, head, SKIPPABLE.size + number * ENTRY.size)
    *frames, last = ENTRY.iter_unpack(table[SKIPPABLE.size :])
    packed = list(accumulate((frame[0] for frame in frames), initial=0))
    begins = list(accumulate((frame[1] for frame in frames), initial=0))
    if SKIPPABLE.unpack_from(table) != (TABLE_MAGIC, length) or last[1] or packed[-1] + last[0] != head:
        raise Damaged("its table does not fit")
    length = min(last[0], SKIPPABLE.size + LINES.size + 4 * len(frames) + CRC.size)
    lines = read_lines(exactly(blob, packed[-1], length), len(frames))
    return Table(packed, begins, [frame[2] for frame in frames], lines, (packed[-1] + length, last[0] - length))


def read_lines(data: bytes, frames: int) -> list[int] | None:
    """None when it is damaged or not known: whoever wants them counts."""
    body = checked(LINES_MAGIC, data)
    if len(body) != LINES.size + 4 * frames:
        return None
    name, before = LINES.unpack_from(body)
    if name != LINES_NAME or before == UNKNOWN:
        return None
    return list(accumulate(struct.unpack_from(f"<{frames}I", body, LINES.size), initial=before))


def read_grams(blob: Blob, table: Table) -> bytes:
    """The frames' bitmaps, one after the other; empty when they are damaged or there are none. Raises OSError."""
    body = checked(GRAMS_MAGIC, blob.read(*table.grams))
    bitmaps = body.removeprefix(GRAMS_NAME)
    return bitmaps if len(body) - len(bitmaps) and len(bitmaps) == len(table.checksums) * grams.BYTES else b""


def checked(magic: int, data: bytes) -> bytes:
    """What is in a skippable frame; empty when it is damaged or another one."""
    body = data[SKIPPABLE.size : -CRC.size]
    whole = data[: SKIPPABLE.size] == SKIPPABLE.pack(magic, len(body) + CRC.size) if body else False
    return body if whole and CRC.pack(zlib.crc32(body)) == data[-CRC.size :] else b""


def read_frame(blob: Blob, table: Table, number: int) -> bytes:
    """Raises Damaged, and OSError."""
    import zstandard

    start, end = table.packed[number : number + 2]
    size = table.begins[number + 1] - table.begins[number]
    frame = exactly(blob, start, end - start)
    try:
        # Looked at first: a damaged head could ask for any amount of memory.
        if zstandard.frame_content_size(frame) != size:
            raise Damaged(f"frame {number} says another size")
        data = decompressor().decompress(frame)
    except zstandard.ZstdError as exc:
        raise Damaged(f"frame {number}: {exc}") from exc
    if len(data) != size or int.from_bytes(frame[-4:], "little") != table.checksums[number]:
        raise Damaged(f"frame {number} has another checksum")
    return data


def exactly(blob: Blob, offset: int, size: int) -> bytes:
    data = blob.read(offset, size) if offset >= 0 else b""
    if len(data) != size:
        raise Damaged(f"it ends before byte {offset + size}")
    return data


class _Kept(threading.local):
    def __init__(self) -> None:
        import zstandard

        self.decompressor = zstandard.ZstdDecompressor()


_kept: _Kept | None = None


def decompressor() -> "zstandard.ZstdDecompressor":
    """The thread's own: none may be used by two at once."""
    global _kept
    if _kept is None:
        _kept = _Kept()
    return _kept.decompressor
