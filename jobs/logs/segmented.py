"""One log out of its files, wherever they are, open for reading while somebody may be writing to it."""

from collections.abc import Iterator
from heapq import merge

from jobs.logs.blobs import Shelf
from jobs.logs.grams import Grams
from jobs.logs.index import Index
from jobs.logs.lines import Lines
from jobs.logs.segments import Segments
from jobs.logs.store import LogNotFound, Segment


class SegmentedLog:
    """Raises LogNotFound, and OSError where the shelf does."""

    def __init__(self, shelf: Shelf, container: str) -> None:
        self._index = Index(shelf, container)
        try:
            self._segments = Segments(shelf, container, self._recorded)
        except FileNotFoundError as exc:
            raise LogNotFound(container) from exc
        self._lines = Lines(self._segments)

    def size(self) -> int:
        return self._segments.size()

    def is_complete(self) -> bool:
        return self._index.is_complete()

    def timed_size(self) -> int:
        return min(self._recorded(), self.size())

    def read(self, offset: int, size: int) -> bytes:
        return self._segments.read(offset, size)

    def next_chance(self, grams: Grams, start: int, end: int) -> int:
        return self._segments.next_chance(grams, start, end)

    def last_chance(self, grams: Grams, start: int, end: int) -> int:
        return self._segments.last_chance(grams, start, end)

    def segments(self, start: int, end: int) -> Iterator[Segment]:
        return self._index.segments(start, end)

    def markers(self, start: int, end: int) -> Iterator[Segment]:
        lost = (self._lost(first, last) for first, last in self._segments.lost(start, end))
        return merge(self._index.markers(start, end), lost)

    def offset_of(self, time_ns: int) -> int:
        offset = self._index.offset_of(time_ns)
        return self.size() if offset is None else min(offset, self.size())

    def line_at(self, offset: int) -> int:
        return self._lines.before(min(offset, self.size()))

    def offset_of_line(self, number: int) -> int:
        return self._lines.offset_of(number)

    def close(self) -> None:
        self._index.close()
        self._segments.close()

    def _recorded(self) -> int:
        last = self._index.last()
        return last.end if last else 0

    def _lost(self, start: int, end: int) -> Segment:
        """The line that stands there, without the newline that it begins with."""
        time_ns = next((one.time_ns for one in self._index.segments(start, end)), 0)
        return Segment(min(start + 1, end), end, time_ns)
