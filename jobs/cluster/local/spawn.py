"""Starting a shim: posix_spawn, because a fork of this large, threaded process would be slow and is not safe.

The new process has four open files: its spec (0), nothing (1), shim.err (2) and the replica's lock (3). What else leaks
into it, it closes itself. Its session is its own, so a signal to the platform's process group does not reach it.
"""

import fcntl
import os
import sys
import threading
from io import FileIO
from pathlib import Path

from jobs.cluster.errors import Unavailable

SHIM = Path(__file__).parent / "shim" / "__main__.py"
LOCK_FD = 3
FIRST_FREE_FD = 10  # clear of 0 to 3, which posix_spawn fills in order

_children: set[int] = set()
_children_lock = threading.Lock()


def spawn(name: str, state_dir: Path, lock: int) -> FileIO:
    """Start the shim of pod `name`, which takes over `lock` and waits for its spec on the pipe that is returned: closed
    without one, it ends without having done anything. Raises Unavailable."""
    reap()
    read, write = os.pipe()
    try:
        pid = launch(name, state_dir, lock, read)
    except OSError as exc:
        os.close(write)
        raise Unavailable(f"no process could be started for {name}: {exc.strerror}") from exc
    finally:
        os.close(read)
    with _children_lock:
        _children.add(pid)
    return FileIO(write, "w")


def launch(name: str, state_dir: Path, lock: int, spec_pipe: int) -> int:
    stdin, held = above(spec_pipe), above(lock)
    try:
        return os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", str(SHIM), name],
            {},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, stdin, 0),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, str(state_dir / "shim.err"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, held, LOCK_FD),
            ],
            setsid=True,
            setsigmask=[],
        )
    finally:
        os.close(stdin)
        os.close(held)


def above(fd: int) -> int:
    """Another number for the same open file."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE_FD)


def deliver(pipe: FileIO, spec: bytes) -> None:
    """Tell a spawned shim what to run, and close the pipe. Raises Unavailable."""
    try:
        with pipe:
            while spec:
                spec = spec[pipe.write(spec) :]
    except BrokenPipeError as exc:
        raise Unavailable("a supervisor ended before it was told what to run") from exc


def reap() -> None:
    """Collect those of our shims that have ended, so that they do not stay in the process table."""
    with _children_lock:
        for pid in list(_children):
            try:
                ended, _ = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                ended = pid  # collected by somebody else, or inherited from before a fork
            if ended:
                _children.discard(pid)
