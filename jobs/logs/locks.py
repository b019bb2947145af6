"""One at a time may change what a closed log consists of: who packs it, moves it away or brings it back, and who opens
it to write on. The lock is the directory's; it ends with its holder, however that ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.logs.store import LogBusy

LOOK_AGAIN_SECONDS = 0.01


@contextmanager
def exclusive(directory: Path, patience: float = 0.0) -> Iterator[None]:
    """Raises LogBusy when somebody else has it for longer than the patience in seconds, and FileNotFoundError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + patience
        while not is_taken(descriptor):
            if time.monotonic() >= deadline:
                raise LogBusy
            time.sleep(LOOK_AGAIN_SECONDS)
        yield
    finally:
        os.close(descriptor)


def is_taken(descriptor: int) -> bool:
    """Whether the file's lock is ours now, until the descriptor is closed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
