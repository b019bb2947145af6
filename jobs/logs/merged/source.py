"""One replica's lines from an offset on, one at a time, out of a small buffer."""

import re
from enum import Enum

from jobs.logs.merged.lines import LONGEST, Line, Times, cut_of_long
from jobs.logs.merged.logs import OpenLogs
from jobs.logs.store import LogKey
from jobs.logs.text import NEWLINE

BUFFERS = 4 << 20  # bytes of log in the buffers of all replicas together, but for lines that are longer than a buffer
LEAST, MOST = 4 << 10, 256 << 10
END = re.compile(rb"\r\n?|\n")


def block_size(replicas: int) -> int:
    """Of one replica's buffer."""
    return max(LEAST, min(MOST, BUFFERS // max(1, replicas)))


class Step(Enum):
    LINE = "line"  # there is a head
    MORE = "more"  # something was read, and no line that is wanted was in it: step again
    NOTHING = "nothing"  # nothing more is there now


class Source:
    """`returns`: a carriage return ends a line as well, as progress bars want it. With a keyword only the lines that
    contain it."""

    def __init__(
        self, logs: OpenLogs, key: LogKey, start: int, *, block: int, keyword: bytes = b"", returns: bool = False
    ) -> None:
        self.key = key
        self.head: Line | None = None
        self.scanned = 0  # bytes that were read, ever
        self._logs = logs
        self._block = block
        self._keyword = keyword
        self._returns = returns
        self._base = start  # the offset of the buffer's first byte
        self._buffer = b""
        self._position = 0  # in the buffer: before it all lines were taken or passed over
        self._times: Times | None = None  # of the buffer, once a line of it is wanted

    @property
    def cursor(self) -> int:
        """Where to go on after the lines that were taken."""
        return self.head.start if self.head else self._base + self._position

    def take(self) -> Line:
        """The head; there is one. The next may be in the buffer: step."""
        assert self.head is not None
        line, self.head = self.head, None
        return line

    def step(self, stop: int, *, finished: bool) -> Step:
        """Looks for the next head, and reads at most one block for it, not beyond `stop`. `finished`: nothing will
        come after `stop`, so a line without its end is one."""
        if self.head is not None or self._find(last=False):
            return Step.LINE
        log = self._logs.get(self.key)
        read_to = self._base + len(self._buffer)
        data = log.read(read_to, min(self._block, stop - read_to)) if log and stop > read_to else b""
        if data:
            self.scanned += len(data)
            self._keep(data)
        at_end = finished and self._base + len(self._buffer) >= stop
        if (data or at_end) and self._find(last=at_end):
            return Step.LINE
        return Step.MORE if data else Step.NOTHING

    def _keep(self, data: bytes) -> None:
        self._base += self._position
        self._buffer = self._buffer[self._position :] + data
        self._position = 0
        self._times = None

    def _find(self, *, last: bool) -> bool:
        """Sets the head to the buffer's next wanted line, and passes over what is not wanted."""
        while self._position < len(self._buffer):
            if self._keyword and not self._to_keyword(last=last):
                return False
            ends = self._line_end(self._position, last=last)
            if ends is None:
                return False
            end, following = ends
            start, self._position = self._position, following
            data = self._buffer[start:end]
            # Nothing before a carriage return is how a progress bar begins, and no line.
            if self._keyword in data and (data or self._buffer.startswith((b"\n", b"\r\n"), start)):
                self.head = self._line(start, following, data)
                return True
        return False

    def _to_keyword(self, *, last: bool) -> bool:
        """Goes to the beginning of the next line with the keyword, False when the buffer has none: then to the last
        line, which may not be all there."""
        hit = self._buffer.find(self._keyword, self._position)
        before = self._buffer.rfind(NEWLINE, self._position, hit if hit >= 0 else len(self._buffer)) + 1
        self._position = max(self._position, before)
        if hit < 0 and last:
            self._position = len(self._buffer)
        # Where the last line is too long, what was seen of it counts as a line without the keyword.
        if hit < 0 and len(self._buffer) - self._position > LONGEST:
            self._position = cut_of_long(self._buffer, len(self._buffer) - LONGEST - 1)
        return hit >= 0

    def _line_end(self, start: int, *, last: bool) -> tuple[int, int] | None:
        """Where the line ends that begins at `start`, and where the next one begins. None while that is not known."""
        buffer = self._buffer
        found = END.search(buffer, start) if self._returns else None
        if found and (last or found.end() < len(buffer) or found[0].endswith(NEWLINE)):
            end, following = found.span()
        elif (at := buffer.find(NEWLINE, start)) >= 0:
            end, following = (at - 1 if buffer[start:at].endswith(b"\r") else at), at + 1
        else:
            end = following = len(buffer)
            if not last and end - start <= LONGEST:
                return None
        if end - start > LONGEST:
            end = following = cut_of_long(buffer, start)
        return end, following

    def _line(self, start: int, following: int, data: bytes) -> Line:
        if self._times is None:
            log = self._logs.get(self.key)
            assert log is not None  # the buffer came out of it
            self._times = Times(log, self._base, self._base + len(self._buffer))
        at = self._base + start
        key = self.key
        return Line(
            key.attempt,
            self._times.at(at),
            key.replica,
            at,
            self._base + following,
            data,
            self._times.is_marker(at),
        )
