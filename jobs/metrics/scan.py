"""Reads on in a log from where the last look stopped, and keeps what it says of the training. Pure apart from the log.

The state is a value that can be stored: whoever has it goes on from its cursor, and two who go on from the same state
over the same bytes come to the same result.
"""

from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from jobs.logs.store import PodLog
from jobs.metrics.lines import CANDIDATE, LONGEST, Reading, read
from jobs.metrics.progress import Progress, advance
from jobs.metrics.series import Series

BLOCK = 256 << 10
LONGEST_BYTES = 4 * LONGEST  # of one line in UTF-8
MOST_SERIES = 100
VERSION = 1  # of the rules: state made by other rules is made anew


class State(msgspec.Struct):
    version: int = VERSION
    cursor: int = 0
    series: dict[str, Series] = {}
    left_out: int = 0  # values of further names, above MOST_SERIES
    progress: Progress | None = None


def read_on(state: State, log: PodLog, budget: int) -> bool:
    """Takes in up to about `budget` bytes. Answers whether all that is there was read; what is not a whole line yet is
    left for the next time, unless nothing more comes."""
    finished = log.is_complete()
    end = min(log.size(), state.cursor + budget)
    while state.cursor < end:
        data = log.read(state.cursor, BLOCK)
        used = whole(data, last=finished and state.cursor + len(data) >= log.size())
        if not used:
            return True
        take(state, log, data[:used])
        state.cursor += used
    return state.cursor >= log.size()


def whole(data: bytes, *, last: bool) -> int:
    """How many bytes end with a line's end. Progress bars end their lines with a carriage return."""
    if last:
        return len(data)
    used = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
    # A line that fills a whole block is no metric: it is passed over in pieces.
    return used or (len(data) if len(data) >= BLOCK else 0)


def take(state: State, log: PodLog, data: bytes) -> None:
    if not CANDIDATE.search(data):
        return
    segments = list(log.segments(state.cursor, state.cursor + len(data)))
    starts = [segment.start for segment in segments]
    for offset, line in lines(data):
        if CANDIDATE.search(line) and (reading := read(line.decode(errors="replace"))):
            at = max(0, bisect_right(starts, state.cursor + offset) - 1)
            note(state, reading, segments[at].time_ns / 1e9 if segments else 0.0)


def lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """With their offsets, without their ends; too long ones are left out."""
    offset = 0
    for line in data.splitlines(keepends=True):
        if len(line) <= LONGEST_BYTES:
            yield offset, line.rstrip(b"\r\n")
        offset += len(line)


def note(state: State, reading: Reading, time: float) -> None:
    state.progress = advance(state.progress, reading, time)
    for name, value in reading.values.items():
        series = state.series.get(name)
        if series is None:
            if len(state.series) >= MOST_SERIES:
                state.left_out += 1
                continue
            series = state.series[name] = Series()
        series.add(value, step=reading.step, epoch=reading.epoch, time=time)
