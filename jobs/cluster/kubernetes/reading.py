"""Reading one container's log through any number of answers of the log endpoint, each byte once and in order. Pure.

reading = Reading(since)
while …:  reading.begin() → `since` for a new request;  feed(chunk)*, flush(), finish() → LogLines
          is_lost: what came does not hold the place to go on from; give_up() and begin() again
"""

from collections.abc import Sequence

from jobs.cluster.base import LogLines
from jobs.cluster.kubernetes.resumption import Filter, Newer, Search, since_time
from jobs.cluster.kubernetes.stamped import Part, Splitter, gathered
from jobs.logs.position import LogPosition, Trail


class Reading:
    def __init__(self, since: LogPosition | None) -> None:
        self._trail = Trail(since)
        self._splitter = Splitter()
        self._filter: Filter | None = None
        self._gave_up: LogPosition | None = None

    def begin(self) -> str | None:
        """A new answer comes: the time that it shall begin with, None for all of it."""
        position = self._trail.position
        self._splitter = Splitter()
        if position is None:
            self._filter = None
            return None
        self._filter = Newer(position) if position == self._gave_up else Search(position)
        return since_time(position)

    @property
    def is_searching(self) -> bool:
        return isinstance(self._filter, Search) and not self._filter.is_open

    @property
    def came_to_nothing(self) -> bool:
        """Neither what was read last nor anything newer has come."""
        return isinstance(self._filter, Search) and not (self._filter.is_found or self._filter.saw_newer)

    @property
    def is_lost(self) -> bool:
        """What was read last is not there any more."""
        return isinstance(self._filter, Search) and self._filter.is_lost

    @property
    def holds_back(self) -> bool:
        """Part of a line is there whose rest has not come; flush() gives it."""
        return self._splitter.holds_back

    @property
    def complaint(self) -> str:
        """What the node says in place of more of the log; "" when it does not."""
        return self._splitter.complaint.decode(errors="replace")

    def feed(self, chunk: bytes) -> LogLines:
        return self._new(self._splitter.feed(chunk))

    def flush(self) -> LogLines:
        return self._new(self._splitter.flush())

    def finish(self) -> LogLines:
        """The answer has ended, or broke off."""
        return self._new(self._splitter.finish())

    def give_up(self) -> LogLines:
        """Go on with what is newer than the position that was not found."""
        self._gave_up = self._trail.position
        return LogLines(b"", gap=True)

    def _new(self, parts: Sequence[Part]) -> LogLines:
        lines = gathered(self._sifted(parts))
        if lines.data:
            self._trail.add(lines.data, lines.times)
        return lines

    def _sifted(self, parts: Sequence[Part]) -> Sequence[Part]:
        if self._filter is None or self._filter.is_open:
            return parts
        found = self._filter.feed(parts)
        if isinstance(self._filter, Search) and self._filter.is_found:
            self._trail.found(self._filter.position, self._filter.digest)
        return found
