"""How often a process looks through one pool: one pass at a time, and half of the time at most.

Under a stream of creates each of them wakes a pass, and passes side by side or back to back would take a processor and
the database's one write lock from those very creates. So a pass waits for its turn, and then for as long as the last
one took. A pass that follows a pause, which is every pass of a quiet pool, begins at once; what arrives during a wait
is done by the one pass after it. A pass over a pool far away spends its time waiting for the cluster and takes nothing
from anybody meanwhile, so a shorter rest follows it.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

LONGEST_REST = 0.05  # seconds
FAR_REST = 0.01


@dataclass(slots=True)
class Pace:
    lock: threading.Lock = field(default_factory=threading.Lock)
    free_at: float = 0.0


_paces: defaultdict[int, Pace] = defaultdict(Pace)


@contextmanager
def turn(pool_id: int, *, longest_rest: float = LONGEST_REST) -> Iterator[None]:
    pace = _paces[pool_id]
    with pace.lock:
        if (remaining := pace.free_at - time.monotonic()) > 0:
            time.sleep(remaining)
        began = time.monotonic()
        try:
            yield
        finally:
            ended = time.monotonic()
            pace.free_at = ended + min(ended - began, longest_rest)
