"""Reading on in a log, a step at a time. No waiting here: follow.py does that.

While a log grows only what its index speaks of is read. What comes after that has no time yet, may be the beginning
of a line of the platform's own, and may be cut off and written anew (captured.py); it is a moment's work away.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from jobs.logs import gaps
from jobs.logs.gaps import PREFIX, Gap
from jobs.logs.selection import Query, is_line_start
from jobs.logs.store import PodLog, Segment
from jobs.logs.text import NEWLINE, rendered, stamp, valid, whole_characters, whole_lines

T = TypeVar("T")
Place = tuple[
    int, bool, object
]  # cursor, whether a line begins there, and all of a query that the next chunk depends on

READ = 256 << 10  # a quarter of it where each line is looked at; with a keyword, a longer line counts as several


@dataclass(frozen=True, slots=True)
class Chunk:
    """Valid UTF-8, and the cursor that goes on after it. Without data it says that nothing came for a while. With a
    gap, the data is the line that stands for it in plain text."""

    data: bytes
    cursor: int
    gap: Gap | None = None
    shapes: dict[Callable[["Chunk"], Any], Any] = field(default_factory=dict, compare=False, repr=False)

    def shaped(self, shape: Callable[["Chunk"], T]) -> T:
        """shape(self), made once for all who share the chunk."""
        if shape not in self.shapes:
            self.shapes[shape] = shape(self)
        made: T = self.shapes[shape]
        return made


class Tail:
    """Reads on from a cursor, as the query wants it shown."""

    def __init__(self, log: PodLog, query: Query, cursor: int, read_bytes: int = READ) -> None:
        self.log = log
        self.query = query
        self.cursor = cursor
        self._plain = not (query.timestamps or query.keyword)
        self._most = read_bytes if self._plain else read_bytes // 4
        self._at_line_start = is_line_start(log, cursor)
        self._style = (query.timestamps, query.keyword, query.whole_lines, self._most)

    @property
    def place(self) -> Place | None:
        """Who is at the same place is given the same chunk next, as long as the log grows. None where nobody is."""
        return None if self.query.most_behind else (self.cursor, self._at_line_start, self._style)

    def take(self, chunk: Chunk, after: Place) -> Chunk:
        """The step of somebody who was at this place, which led to that one."""
        self.cursor, self._at_line_start = after[:2]
        return chunk

    def is_ahead(self) -> bool:
        """Whether the cursor is past the log's end."""
        return self.cursor > self.log.size()

    def lose(self) -> Chunk:
        """Go on from the log's end though the cursor is past it."""
        asked, self.cursor = self.cursor, self.log.size()
        chunk = self._tell(gap := gaps.lost(asked, self.cursor), gap.line)
        self._at_line_start = is_line_start(self.log, self.cursor)
        return chunk

    def step(self, *, finished: bool) -> Chunk | None:
        """What is there now; its data may be empty when no line has the keyword. None when there is nothing to go on
        with yet. `finished`: nothing more will come, so what is not whole is taken as it is."""
        end = self.log.size() if finished else self.log.timed_size()
        if end <= self.cursor:
            return None
        if self.query.most_behind is not None and end - self.cursor > self.query.most_behind:
            return self._skip(end, self.query.most_behind)
        data = self.log.read(self.cursor, min(self._most, end - self.cursor))
        if (marker := self._marker_in(data)) is not None:
            begin, line, gap = marker
            if begin == self.cursor:
                self.cursor += len(line)
                return self._tell(gap, valid(line))
            data = data[: begin - self.cursor]
        else:
            data = data[: len(data) - begun(data)] if len(data) == self._most else data
        return self._show(data, finished=finished)

    def _show(self, data: bytes, *, finished: bool) -> Chunk | None:
        if self.query.keyword or self.query.whole_lines:
            whole = data.rfind(NEWLINE) + 1 if self.query.keyword else whole_lines(data)
            # The rest of a line is waited for, unless it never comes or is longer than what is read at once.
            data = data[:whole] if whole or not (finished or len(data) >= self._most) else data
        text, used = whole_characters(data)
        if not used:
            if not data or not finished:
                return None
            text, used = data.decode(errors="replace").encode(), len(data)
        offset, self.cursor = self.cursor, self.cursor + used
        at_line_start, self._at_line_start = self._at_line_start, data[:used].endswith(NEWLINE)
        if not self._plain:
            text = self._render(offset, data[:used], at_line_start=at_line_start)
        return Chunk(text, self.cursor)

    def _render(self, offset: int, data: bytes, *, at_line_start: bool) -> bytes:
        query = self.query
        return valid(
            rendered(
                self.log,
                offset,
                data,
                at_line_start=at_line_start,
                timestamps=query.timestamps,
                keyword=query.keyword,
            )
        )

    def _marker_in(self, data: bytes) -> tuple[int, bytes, Gap] | None:
        """The first line of the platform's own that begins in the data: where, the line, and what it says. What a
        program prints with the same PREFIX is told from it by the index."""
        if not data.startswith(PREFIX) and NEWLINE + PREFIX not in data:
            return None
        for marker in self.log.markers(self.cursor, self.cursor + len(data)):
            begin, line = self._line_of(marker)
            if begin >= self.cursor:
                return begin, line, gaps.from_line(line, marker.time_ns)
        return None

    def _line_of(self, marker: Segment) -> tuple[int, bytes]:
        """Without the newline that it begins with where it had to end a line that was cut."""
        line = self.log.read(marker.start, min(marker.end - marker.start, self._most))
        cut = line.startswith(NEWLINE)
        return marker.start + cut, line[cut:]

    def _tell(self, gap: Gap, line: bytes) -> Chunk:
        if self.query.timestamps:
            line = stamp(gap.time_ns or time.time_ns()) + line
        if not self._at_line_start and not self.query.keyword:
            line = NEWLINE + line
        self._at_line_start = True
        return Chunk(line, self.cursor, gap)

    def _skip(self, end: int, most: int) -> Chunk:
        """Go on with a line in the second half of what the reader may be behind, so that it is not skipped again at
        once."""
        begin, self.cursor = self.cursor, end - most // 2
        line = self.log.read(self.cursor, min(self._most, end - self.cursor)).find(NEWLINE) + 1
        self.cursor += line
        chunk = self._tell(gap := gaps.skipped(self.cursor - begin, most), gap.line)
        self._at_line_start = line > 0
        return chunk


def begun(data: bytes) -> int:
    """How many bytes at the end of the data may be the first ones of a line of the platform's own."""
    at = data.rfind(NEWLINE) + 1
    rest = data[at:]
    return len(rest) if at and rest and len(rest) < len(PREFIX) and PREFIX.startswith(rest) else 0
