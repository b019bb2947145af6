"""The newest of what a terminal put out, from which connections are served and those that come back catch up. Pure.

Every byte has a position: 0 is the session's first. What is older than the capacity is dropped, but for the terminal's
modes that it set: a screen drawn from the middle of the output would show an editor in the scrollback, or a cursor that
was hidden.
"""

import re
from dataclasses import dataclass

from jobs.terminal.protocol import FRAME_BYTES, SCROLLBACK_BYTES

# After a connection began, one more chunk may come before it reads: what it begins with is kept so long.
SLACK = FRAME_BYTES
CUT_BYTES = 16 * 1024  # of output without lines and escape sequences, no more than this is left out for a better cut
TAIL = 64  # an escape sequence may be torn where old output is dropped
# DEC private modes of xterm: application cursor keys, cursor shown, alternate screens, mouse, focus, bracketed paste.
MODES = frozenset({1, 25, 47, 1047, 1049, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 2004})
ON_AT_FIRST = frozenset({25})
CHANGE = re.compile(rb"\x1b(?:\[\?([0-9;]{1,48})([hl])|(c))")
ESCAPE = b"\x1b"


class ModeTracker:
    """Which modes differ from a fresh terminal's."""

    def __init__(self) -> None:
        self.on: dict[int, bool] = {}
        self.tail = b""

    def copy(self) -> "ModeTracker":
        twin = ModeTracker()
        twin.on, twin.tail = dict(self.on), self.tail
        return twin

    def pass_over(self, data: bytes) -> None:
        """What a terminal would do with it. The end of what came before is looked at again: that changes nothing."""
        seen = self.tail + data
        if ESCAPE in seen:
            for change in CHANGE.finditer(seen):
                self.apply(*change.groups())
        self.tail = seen[-TAIL:]

    def apply(self, numbers: bytes | None, switch: bytes | None, reset: bytes | None) -> None:
        if reset:
            self.on.clear()
            return
        for mode in {int(number) for number in (numbers or b"").split(b";") if number} & MODES:
            self.on.pop(mode, None)  # the latest comes last
            self.on[mode] = switch == b"h"

    def sequences(self) -> bytes:
        changed = ((mode, on) for mode, on in self.on.items() if on != (mode in ON_AT_FIRST))
        return b"".join(b"\x1b[?%d%c" % (mode, b"h" if on else b"l") for mode, on in changed)


@dataclass(frozen=True, slots=True)
class Opening:
    """What a connection begins with: `prefix`, then the output from `position` on."""

    prefix: bytes
    position: int


class Scrollback:
    def __init__(self, capacity: int = SCROLLBACK_BYTES) -> None:
        self.capacity = capacity
        self.kept = bytearray()
        self.start = 0
        self.dropped = ModeTracker()

    @property
    def end(self) -> int:
        return self.start + len(self.kept)

    def append(self, data: bytes) -> None:
        """In steps larger than a chunk, so that a flood does not drop at each."""
        self.kept += data
        if len(self.kept) > self.capacity + 3 * SLACK:
            count = len(self.kept) - self.capacity - SLACK
            self.dropped.pass_over(bytes(memoryview(self.kept)[:count]))
            del self.kept[:count]
            self.start += count

    def read(self, position: int, most: int) -> bytes:
        """b"" at the end, and before the start."""
        at = position - self.start
        return bytes(memoryview(self.kept)[at : at + most]) if at >= 0 else b""

    def opening(self, since: int | None = None) -> Opening:
        """Exactly from `since` on, where that is here; else as much as there is, from a place where no escape sequence
        is torn."""
        if since is not None and max(self.start, self.end - self.capacity) <= since <= self.end:
            return Opening(b"", since)
        return self.newest(self.capacity)

    def newest(self, most: int) -> Opening:
        first = max(self.start, self.end - most)
        if first == 0:
            return Opening(b"", 0)
        position = first + safe_cut(self.read(first, CUT_BYTES))
        modes = self.dropped.copy()
        modes.pass_over(self.read(self.start, position - self.start))
        return Opening(modes.sequences(), position)


def safe_cut(data: bytes) -> int:
    """After a line's end or at the beginning of an escape sequence, whichever comes first: neither is inside one, nor
    inside a character. (ESC \\ ends a string; alone it does nothing.) Without either, at a character's beginning."""
    places = [at for at in (data.find(b"\n") + 1 or -1, data.find(ESCAPE)) if at >= 0]
    if places:
        return min(places)
    at = 0
    while at < min(4, len(data)) and data[at] & 0xC0 == 0x80:
        at += 1
    return at
