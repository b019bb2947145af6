"""Locks that the kernel lets go of when their holder dies, however it dies: flock, on the directories of the state.

Two kinds. An attempt's directory is locked by who creates, settles or forgets the attempt, for milliseconds: its mutex.
A replica's is locked under that mutex before the shim is spawned, passed on to it as an open file, never unlocked by
hand; held means that the shim lives. Only who holds the mutex may try to take a replica's lock, so that a look is never
mistaken for a shim; is_held() takes it shared, for no longer than the look, and only of replicas that have started.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.cluster.errors import NotFound, Unavailable

FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
PATIENCE_S = 5.0
RETRY_S = 0.002


class Busy(Unavailable):
    """Somebody else holds the attempt's mutex."""


def take(directory: Path) -> int | None:
    """An open file that holds the lock, to be closed; None when somebody else holds it. Raises FileNotFoundError."""
    fd = os.open(directory, FLAGS)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    except BaseException:
        os.close(fd)
        raise
    return fd


def is_held(directory: Path) -> bool:
    """What is not there is held by nobody."""
    try:
        fd = os.open(directory, FLAGS)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


@contextmanager
def mutex(directory: Path, *, patience_s: float | None = None) -> Iterator[None]:
    """Raises Busy when others hold it all the while, NotFound when the attempt's directory is not there."""
    deadline = time.monotonic() + (PATIENCE_S if patience_s is None else patience_s)
    while (fd := try_to_take(directory)) is None:
        if time.monotonic() >= deadline:
            raise Busy(f"{directory.name} is being worked on by another process of the platform")
        time.sleep(RETRY_S)
    try:
        yield
    finally:
        os.close(fd)


def try_to_take(directory: Path) -> int | None:
    """As take(); None as well when the directory was removed or replaced meanwhile: the next try sees which."""
    try:
        fd = take(directory)
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise NotFound(directory.name) from exc
    if fd is None:
        return None
    try:
        if os.path.samestat(os.fstat(fd), directory.stat()):
            return fd
    except FileNotFoundError:
        pass  # forgotten by its last holder
    os.close(fd)
    return None
