"""What is asked for of each replica's log: from which whole line to which."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from jobs.logs.merged.cursor import JobCursor
from jobs.logs.merged.lines import LONGEST
from jobs.logs.merged.logs import OpenLogs
from jobs.logs.selection import Query, line_since
from jobs.logs.store import LogKey, PodLog
from jobs.logs.text import NEWLINE


@dataclass(frozen=True, slots=True)
class Part:
    """The replicas of one attempt, one at least. `over`: no pod of it will write anything more, also where no log says
    so."""

    keys: Sequence[LogKey]
    over: bool

    @property
    def attempt(self) -> int:
        return self.keys[0].attempt


@dataclass(frozen=True, slots=True)
class JobQuery:
    """`lines.cursor` is not used: `cursor` is in its place."""

    lines: Query = field(default_factory=Query)
    cursor: JobCursor | None = None


@dataclass(frozen=True, slots=True)
class Span:
    key: LogKey
    start: int
    end: int
    size: int  # of the whole log; 0 also where there is none
    complete: bool  # nothing more will come of what is asked for


Spans = Sequence[Sequence[Span]]  # by attempt, in order


def spans_of(logs: OpenLogs, parts: Sequence[Part], query: JobQuery) -> Spans:
    """Attempts before the cursor's were read. One that is not over is the last that is looked at: what is written after
    it began comes later."""
    if query.cursor is not None:
        at = query.cursor.attempt
        parts = [part for part in parts if part.attempt >= at] or parts[-1:]
    running = next((number for number, part in enumerate(parts) if not part.over), len(parts))
    return [[span_of(logs, key, query, over=part.over) for key in part.keys] for part in parts[: running + 1]]


def span_of(logs: OpenLogs, key: LogKey, query: JobQuery, *, over: bool) -> Span:
    log = logs.get(key)
    if log is None:
        return Span(key, 0, 0, 0, complete=over)
    complete = log.is_complete() or over
    size = log.size()
    end = size if complete else whole_end(log, min(size, log.timed_size()))
    start, until = start_of(log, query, key), query.lines.until_ns
    stop = end if until is None else min(end, max(start, line_since(log, until)))
    return Span(key, min(start, stop), stop, size, complete=complete or stop < end)


def start_of(log: PodLog, query: JobQuery, key: LogKey) -> int:
    cursor = query.cursor
    if cursor is not None:
        return cursor.offsets.get(key.replica, 0) if cursor.attempt == key.attempt else 0
    return 0 if query.lines.since_ns is None else line_since(log, query.lines.since_ns)


def whole_end(log: PodLog, size: int) -> int:
    """Where the last whole line of the first `size` bytes ends. One that is longer than LONGEST is not waited for."""
    data = log.read(max(0, size - LONGEST), min(size, LONGEST))
    if at := data.rfind(NEWLINE) + 1:
        return size - len(data) + at
    return size if len(data) == LONGEST else 0
