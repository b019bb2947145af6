"""One replica's lines from the last one on, out of blocks that are read backwards."""

from collections.abc import Iterator

from jobs.logs.merged.lines import LONGEST, Line, Times, cut_of_long
from jobs.logs.merged.logs import OpenLogs
from jobs.logs.store import LogKey
from jobs.logs.text import NEWLINE


class Backwards:
    """The lines of [floor, end), which ends with a line. With a keyword only those that contain it. `scanned`: how many
    bytes were read."""

    def __init__(self, logs: OpenLogs, key: LogKey, floor: int, end: int, *, block: int, keyword: bytes = b"") -> None:
        self.key = key
        self.scanned = 0
        self.reached = end  # what is from here on was passed over or given
        self._logs = logs
        self._floor = floor
        self._block = block
        self._keyword = keyword

    def __iter__(self) -> Iterator[Line | None]:
        """None after a block without a line that is wanted, so that who asks may stop."""
        carry = b""
        while self.reached > self._floor:
            log = self._logs.get(self.key)
            known = self.reached - len(carry)
            start = max(self._floor, known - self._block)
            data = (log.read(start, known - start) if log else b"") + carry
            if len(data) < self.reached - start:  # cut back since it was looked at
                return
            self.scanned += known - start
            first = first_line(data, whole=start == self._floor)
            if first == len(data):
                carry = data
                continue
            yield from self._lines(start, data, first)
            carry = data[:first]
            self.reached = start + first

    def _lines(self, start: int, data: bytes, first: int) -> Iterator[Line | None]:
        times: Times | None = None
        for begin, end in self._spans(data, first):
            if times is None:
                log = self._logs.get(self.key)
                assert log is not None  # the data came out of it
                times = Times(log, start + first, start + len(data))
            at = self.reached = start + begin
            line = without_end(data[begin:end])
            yield Line(self.key.attempt, times.at(at), self.key.replica, at, start + end, line, times.is_marker(at))
        if times is None:
            yield None

    def _spans(self, data: bytes, first: int) -> Iterator[tuple[int, int]]:
        """Of the wanted lines of data[first:], from the last one on."""
        end = len(data)
        while end > first:
            if self._keyword:
                hit = data.rfind(self._keyword, first, end)
                if hit < 0:
                    return
                end = data.find(NEWLINE, hit, end) + 1 or end
            begin = max(data.rfind(NEWLINE, first, end - 1) + 1, first)
            for piece, following in pieces_back(data, begin, end):
                if self._keyword in data[piece:following]:
                    yield piece, following
            end = begin


def first_line(data: bytes, *, whole: bool) -> int:
    """Where the first line begins that is all there; the data's end when none is."""
    if whole:
        return 0
    if at := data.find(NEWLINE, 0, -1) + 1:
        return at
    return len(data) if len(data) <= 2 * LONGEST else cut_of_long(data, len(data) - 2 * LONGEST)


def pieces_back(data: bytes, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The line in the pieces that source.py cuts it into, from the last one on."""
    cuts = [begin]
    while end - cuts[-1] > LONGEST + 2:
        cuts.append(cut_of_long(data, cuts[-1]))
    yield from zip(reversed(cuts), reversed([*cuts[1:], end]), strict=True)


def without_end(data: bytes) -> bytes:
    return data[:-1].removesuffix(b"\r") if data.endswith(NEWLINE) else data
