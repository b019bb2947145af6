"""The log store: where the output of pods is kept, while they run and long after. Interface only; pure.

An offset is a byte position in a log, and at the same time a reader's cursor. Times are nanoseconds since 1970, UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from jobs.logs.format import CONTAINER, OUTPUT
from jobs.logs.grams import Grams
from jobs.logs.position import LogPosition, Times


class LogNotFound(Exception):
    """Nothing was ever written for this key: the pod has not started yet, or never will."""


class LogSealed(Exception):
    """The writer of this log said that nothing more comes."""


class LogBusy(Exception):
    """Another process writes this log."""


@dataclass(frozen=True, slots=True)
class LogKey:
    job_id: str
    attempt: int
    replica: int
    container: str = CONTAINER


class Segment(NamedTuple):
    """Bytes from `start` up to, not including, `end` that were read at one time."""

    start: int
    end: int
    time_ns: int


class PodLog(Protocol):
    """One log, open for reading while somebody may be writing to it. Not for use by two threads at once."""

    def size(self) -> int:
        """Bytes that can be read now."""

    def is_complete(self) -> bool:
        """Nothing more will come. Ask first, read afterwards: only then is all of it read."""

    def timed_size(self) -> int:
        """Bytes whose time is known; the few after them get one with the next write."""

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes; fewer, or none, at the end."""

    def next_chance(self, grams: Grams, start: int, end: int) -> int:
        """Where in [start, end) the first place is at which the keyword may begin; `end` when there is none."""

    def last_chance(self, grams: Grams, start: int, end: int) -> int:
        """Behind the last place in [start, end) at which the keyword may begin; `start` when there is none."""

    def segments(self, start: int, end: int) -> Iterator[Segment]:
        """The times of [start, end), without gaps and in order. Cheapest when called with growing offsets."""

    def markers(self, start: int, end: int) -> Iterator[Segment]:
        """The platform's own lines (gaps, limits) of which a part is in [start, end), whole and in order. One begins
        with a newline of its own where it had to end a line that was cut."""

    def offset_of(self, time_ns: int) -> int:
        """Where what was written at or after this time begins; the size when there is nothing."""

    def line_at(self, offset: int) -> int:
        """How many newlines come before the offset: the number, counted from 0, of the line that the offset is in."""

    def offset_of_line(self, number: int) -> int:
        """Where the line with this number, counted from 0, begins: after that many newlines. The size when there are
        fewer."""

    def close(self) -> None: ...


class LogWriter(Protocol):
    """The only writer of one log."""

    def append(self, data: bytes, time_ns: int, flags: int = OUTPUT) -> None:
        """Add output, or with flags MARKER a line of the platform's own. Empty data adds nothing. A time before the
        last one's (a clock set back) is taken as the last one's. Raises LogSealed."""

    def seal(self, time_ns: int) -> None:
        """Say that nothing more comes. Again: no effect."""

    def close(self) -> None: ...


class CaptureWriter(Protocol):
    """The only writer of a log that is fetched from a cluster. Each method may raise OSError, such as for a full disk;
    the log is then as before the call."""

    @property
    def is_sealed(self) -> bool: ...

    @property
    def is_full(self) -> bool:
        """The limit was reached, and the log says so."""

    def position(self) -> LogPosition | None:
        """Where in the cluster's log to go on from; None: at its beginning."""

    def append(self, data: bytes, times: Times) -> None:
        """`times` as in jobs.cluster.base.LogLines. What is over the limit is dropped. Raises LogSealed."""

    def gap(self) -> None:
        """Add a line that says that something may be missing here; not twice in a row."""

    def seal(self) -> None:
        """Say that nothing more comes. Again: no effect."""

    def close(self) -> None: ...


class LogStore(Protocol):
    def open(self, key: LogKey) -> PodLog:
        """Raises LogNotFound."""

    def writer(self, key: LogKey) -> LogWriter:
        """Goes on where an earlier writer stopped, however it ended."""

    def capture_writer(self, key: LogKey, uid: str, limit: int) -> CaptureWriter:
        """Of the pod with this uid. Goes on exactly where an earlier one stopped, however it ended; after another pod's
        log, with a line that says so. Keeps `limit` bytes. Raises LogBusy, and OSError."""

    def watch_path(self, key: LogKey) -> Path:
        """The file that changes after each write, whether it is there yet or not."""

    def remove_job(self, job_id: str) -> None:
        """Every log of the job, for good. Nothing there: no effect."""
