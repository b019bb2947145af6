"""How often a process looks through one pool: half of the time at most.

Under a stream of creates each of them wakes a pass, and passes back to back would take a processor and the database's
one write lock from those very creates. So a pass waits, before it begins, for as long as the last one took. A pass
that follows a pause, which is every pass of a quiet pool, begins at once; what arrives during a wait is done by the
one pass after it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_REST = 0.05  # seconds

_free_at: dict[int, float] = {}


def rest(pool_id: int) -> None:
    remaining = _free_at.get(pool_id, 0.0) - time.monotonic()
    if remaining > 0:
        time.sleep(min(remaining, LONGEST_REST))


@contextmanager
def measured(pool_id: int) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        ended = time.monotonic()
        _free_at[pool_id] = ended + min(ended - began, LONGEST_REST)
