"""Unpacked frames, kept for the next reader: one store of them for the process, so that many readers of one log unpack
it once, and none of them holds memory of its own. Safe for threads; two that miss the same frame both unpack it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import NamedTuple

MOST_BYTES = 16 << 20


class Frame(NamedTuple):
    """`is_damaged`: the data is what is shown in the place of bytes that are lost."""

    data: bytes
    is_damaged: bool = False


class FrameCache:
    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._frames: OrderedDict[Hashable, Frame] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Frame]) -> Frame:
        with self._lock:
            if (frame := self._frames.get(key)) is not None:
                self._frames.move_to_end(key)
                return frame
        frame = make()
        with self._lock:
            if key not in self._frames:
                self._frames[key] = frame
                self._bytes += len(frame.data)
            while self._bytes > self._most:
                self._bytes -= len(self._frames.popitem(last=False)[1].data)
        return frame


cache = FrameCache()
