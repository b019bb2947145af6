"""Which trigrams (three bytes in a row) begin in each frame of a packed segment, so that a search unpacks only frames
where its keyword may begin. Pure.

Of each frame there is a bitmap of BYTES: a trigram's bit is set where it begins in the frame, also where it ends in the
next one. Several trigrams share a bit, so a bitmap may promise too much, but never denies what is there. Letters a to z
stand for the capital ones too: one bitmap serves both kinds of search.
"""

from collections.abc import Iterator

SLOT_BITS = 14  # a frame of a training log has some thousand trigrams, which set a quarter of the bits
BYTES = (1 << SLOT_BITS) // 8
GRAM = 3
FACTOR = 0x9E3779B1  # Knuth's multiplicative hashing, 2^32 by the golden ratio
WORD = 32


def bitmap(frame: bytes, following: bytes) -> bytes:
    """`following`: the first two bytes of the next frame, as far as there are so many."""
    import numpy as np  # only the packer needs it

    data = np.frombuffer((frame + following[: GRAM - 1]).lower(), np.uint8).astype(np.uint32)
    bits = np.zeros(1 << SLOT_BITS, np.bool_)
    if len(data) >= GRAM:
        grams = data[:-2] | data[1:-1] << 8 | data[2:] << 16
        bits[grams * np.uint32(FACTOR) >> np.uint32(WORD - SLOT_BITS)] = True
    return np.packbits(bits, bitorder="little").tobytes()


def slot(gram: bytes) -> int:
    return (int.from_bytes(gram, "little") * FACTOR & 0xFFFFFFFF) >> (WORD - SLOT_BITS)


class Grams:
    """Those of a keyword of at least three bytes."""

    def __init__(self, keyword: bytes) -> None:
        first, *others = (slot(gram) for gram in trigrams(keyword.lower()))
        self._first = place(first)
        self._others = [place(other) for other in dict.fromkeys(others) if other != first]

    def may_begin(self, bitmaps: bytes, number: int) -> bool:
        """Whether the keyword, no longer than a frame, may begin in the frame of this number. The last frame may hold
        the beginning of any: what follows it is in another file."""
        at = number * BYTES
        after = at + BYTES
        if after >= len(bitmaps):
            return True
        byte, mask = self._first
        if not bitmaps[at + byte] & mask:
            return False
        return all((bitmaps[at + byte] | bitmaps[after + byte]) & mask for byte, mask in self._others)


def of_keyword(keyword: bytes) -> Grams | None:
    return Grams(keyword) if len(keyword) >= GRAM else None


def trigrams(data: bytes) -> Iterator[bytes]:
    return (data[at : at + GRAM] for at in range(len(data) - GRAM + 1))


def place(slot: int) -> tuple[int, int]:
    return slot >> 3, 1 << (slot & 7)
