"""A line that a search found, as it is shown: its number, time and text, and the lines around it. Each is bounded."""

from dataclasses import dataclass

from jobs.logs.needle import Line
from jobs.logs.store import PodLog
from jobs.logs.text import NEWLINE, stamp

TEXT_MAX = 4096  # bytes of a line that are shown
STEP_MAX = 1 << 20  # bytes from one match to the next whose newlines are counted, rather than to ask the log


@dataclass(frozen=True, slots=True)
class Match:
    line: int  # counted from 1
    cursor: int  # where the line begins
    time: str
    text: str
    before: list[str]
    after: list[str]


class Matches:
    """Shows the matches of one log, cheapest in the order of the log or against it. `context` lines on each side are
    looked for in so many bytes."""

    def __init__(self, log: PodLog, context: int, around_bytes: int) -> None:
        self._log = log
        self._context = context
        self._around = around_bytes
        self._offset = 0
        self._line = 0

    def show(self, line: Line) -> Match:
        long = line.end - line.start > TEXT_MAX
        begin = max(line.start, line.hit - TEXT_MAX // 2) if long else line.start
        return Match(
            self._number(line.start) + 1,
            line.start,
            moment(self._log, line.start),
            shown(self._log.read(begin, min(TEXT_MAX, line.end - begin)).removesuffix(NEWLINE)),
            self._before(line.start),
            self._after(line.end),
        )

    def _number(self, offset: int) -> int:
        gap = offset - self._offset
        if 0 <= gap <= STEP_MAX:
            self._line += self._log.read(self._offset, gap).count(NEWLINE)
        elif -STEP_MAX <= gap < 0:
            self._line -= self._log.read(offset, -gap).count(NEWLINE)
        else:
            self._line = self._log.line_at(offset)
        self._offset = offset
        return self._line

    def _before(self, first: int) -> list[str]:
        if not self._context or not first:
            return []
        begin = max(0, first - self._around)
        # The newline at the end ends the last of them. What the first one is only a part of is left out.
        lines = self._log.read(begin, first - begin).removesuffix(NEWLINE).split(NEWLINE)
        whole = lines if begin == 0 else lines[1:]
        return [shown(line) for line in whole[-self._context :]]

    def _after(self, last: int) -> list[str]:
        if not self._context:
            return []
        data = self._log.read(last, self._around)
        lines = data.split(NEWLINE)
        if not lines[-1] or len(data) == self._around:
            lines.pop()
        return [shown(line) for line in lines[: self._context]]


def shown(line: bytes) -> str:
    return line[:TEXT_MAX].decode(errors="replace").removesuffix("\r")


def moment(log: PodLog, offset: int) -> str:
    """The time of the byte there, as in front of lines."""
    return stamp(next(iter(log.segments(offset, offset + 1))).time_ns).decode().strip()
