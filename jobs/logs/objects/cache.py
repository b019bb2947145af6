"""What was read of objects last, in memory: bounded, one for each process. Pure.

Two readers who want the same block at the same time fetch it once: the second waits for the first.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

BLOCK = 512 << 10
BLOCKS = 32  # 16 MiB in all
LANES = 16

Key = tuple[Hashable, int]  # the identity of a file, and the number of a block of it


class BlockCache:
    def __init__(self, blocks: int = BLOCKS) -> None:
        self._limit = blocks
        self._held: OrderedDict[Key, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._lanes = [threading.Lock() for _ in range(LANES)]

    def get(self, key: Key, fetch: Callable[[], bytes]) -> bytes:
        """Whatever fetch raises is raised here, and nothing kept."""
        with self._lanes[hash(key) % LANES]:
            with self._lock:
                if key in self._held:
                    self._held.move_to_end(key)
                    return self._held[key]
            data = fetch()
            with self._lock:
                self._held[key] = data
                while len(self._held) > self._limit:
                    self._held.popitem(last=False)
            return data
