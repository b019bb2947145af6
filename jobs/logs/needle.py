"""Lines that hold a keyword. Pure.

Python's own search is as quick as grep's, except where the keyword is short: then it looks at nearly every byte. Where
one byte of the keyword is seldom seen, that byte is looked for instead, at the speed of the memory.
"""

from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import NamedTuple

from jobs.logs import grams
from jobs.logs.grams import Grams

NEWLINE = b"\n"
SAMPLE = 64 << 10
SELDOM = 16  # times in a sample, at most
FALSE_MAX = 256  # so many times the byte may be found without the keyword before it is no longer looked for
MANY, NEAR = 64, 1024  # so many lines with the keyword, so many bytes apart on the average, and it is in most of them
UNUSUAL = (*range(1, 7), *range(0xF8, 0x100))


class Line(NamedTuple):
    """[start, end), the newline included; the first keyword is at `hit`."""

    start: int
    end: int
    hit: int


class Needle:
    """`ignore_case` is about the letters a to z."""

    def __init__(self, keyword: bytes, *, ignore_case: bool = False) -> None:
        self.keyword = keyword.lower() if ignore_case else keyword
        self._ignore_case = ignore_case
        self._seldom: tuple[bytes, int] | None = None  # a byte of the keyword and where in it that is
        self._sampled = False

    @cached_property
    def grams(self) -> Grams | None:
        return grams.of_keyword(self.keyword)

    def prepared(self, data: bytes) -> bytes:
        """What the other methods are to be given in place of the log's own bytes; of the same length."""
        return data.lower() if self._ignore_case else data

    def lines(self, data: bytes, start: int, stop: int) -> Iterator[Line]:
        """Each line of data[start:stop] that holds the keyword."""
        at = start
        while (hit := self._find(data, at, stop)) >= 0:
            first = data.rfind(NEWLINE, at, hit) + 1 or at
            at = data.find(NEWLINE, hit, stop) + 1 or stop
            yield Line(first, at, hit)

    def count(self, data: bytes, start: int, stop: int) -> int:
        """How many lines `lines` would give."""
        found, at = 0, start
        while (hit := self._find(data, at, stop)) >= 0:
            found += 1
            at = data.find(NEWLINE, hit, stop) + 1 or stop
            if found == MANY and at - start <= MANY * NEAR and (mark := unused(data)) is not None:
                return found + self._count_all(data[at:stop], mark)
        return found

    def _count_all(self, data: bytes, mark: int) -> int:
        """For a keyword that is in most lines: of each, the keywords and the newline are kept and counted."""
        left = data.replace(self.keyword, bytes((mark,))).translate(None, all_but(mark, ord(NEWLINE)))
        return left.count(bytes((mark, ord(NEWLINE)))) + (left[-1:] == bytes((mark,)))

    def _find(self, data: bytes, start: int, stop: int) -> int:
        if data and not self._sampled:
            self._sample(data)
        if self._seldom is not None:
            byte, shift = self._seldom
            for _ in range(FALSE_MAX):
                at = data.find(byte, start + shift, stop) - shift
                if at < start or data.startswith(self.keyword, at, stop):
                    return max(at, -1)
                start = at + 1
        return data.find(self.keyword, start, stop)

    def _sample(self, data: bytes) -> None:
        sample = data[:SAMPLE]
        times, shift = min((sample.count(self.keyword[at : at + 1]), at) for at in range(len(self.keyword)))
        self._seldom = (self.keyword[shift : shift + 1], shift) if times <= SELDOM else None
        self._sampled = True


def unused(data: bytes) -> int | None:
    """A byte that is not in the data; None when even those are that no text has."""
    return next((byte for byte in UNUSUAL if byte not in data), None)


@lru_cache(maxsize=4)
def all_but(*kept: int) -> bytes:
    return bytes(byte for byte in range(256) if byte not in kept)
