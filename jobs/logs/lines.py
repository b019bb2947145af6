"""Line numbers: how many lines come before an offset, and where the line with a number begins."""

from jobs.logs.store import PodLog

BLOCK = 1 << 20
NEWLINE = b"\n"


def count_lines(log: PodLog, start: int, end: int) -> int:
    """The newlines in [start, end)."""
    found = 0
    while start < end and (data := log.read(start, min(BLOCK, end - start))):
        found += data.count(NEWLINE)
        start += len(data)
    return found


def after_newlines(log: PodLog, start: int, number: int) -> int:
    """The offset after `number` newlines from `start` on; the size when there are fewer."""
    while number and (data := log.read(start, BLOCK)):
        found = data.count(NEWLINE)
        if found >= number:
            return start + nth(data, number) + 1
        number -= found
        start += len(data)
    return start


def nth(data: bytes, number: int) -> int:
    """Where the data's number-th newline is, counted from one; it has so many."""
    at = -1
    for _ in range(number):
        at = data.find(NEWLINE, at + 1)
    return at
