"""Forks shims, so that not every one has to start an interpreter: 1 ms instead of 13, in memory they mostly share.

One for each process that creates attempts, on standard input a socket from it. A message is one byte and two open
files: where the shim's spec comes from, and its replica's directory, locked. The shims are on their own from then on;
this process ends when its creator does, or after a while without work.
"""

import _socket
import gc
import os
import select
import sys

from . import run
from .signals import signal

IDLE_MS = 60_000
FILES = 2
INT = 4  # bytes of a file's number in the message
STDIN = 0


def serve() -> None:
    gc.disable()
    run.preload()
    gc.freeze()  # what the shims share stays shared
    os.chdir("/")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel collects shims that have ended
    channel = _socket.socket(fileno=STDIN)
    waiting = select.poll()
    waiting.register(channel, select.POLLIN)
    while waiting.poll(IDLE_MS):
        if not take(channel):
            return
    channel.shutdown(_socket.SHUT_RD)  # the creator's next message fails, and it starts another of us
    while take(channel):
        pass


def take(channel: "_socket.socket") -> bool:
    """Serve one message; False when there will be no more."""
    data, ancillary, _, _ = channel.recvmsg(1, _socket.CMSG_SPACE(FILES * INT))
    if not data:
        return False
    for _, _, numbers in ancillary:
        files = [int.from_bytes(numbers[at : at + INT], sys.byteorder) for at in range(0, len(numbers), INT)]
        if len(files) == FILES and os.fork() == 0:
            become_shim(*files)
        for fd in files:
            os.close(fd)
    return True


def become_shim(spec: int, lock: int) -> None:
    """Does not come back. A session of its own keeps it out of reach of signals to the platform's process group."""
    try:
        os.setsid()
        os.dup2(spec, STDIN)
        os.dup2(lock, run.LOCK)
        run.main()
    except BaseException:  # noqa: BLE001 (the last boundary of a process)
        write_last_words()
        os._exit(1)
    os._exit(0)


def write_last_words() -> None:
    """Beside the replica's state, which the lock's open file is the directory of."""
    import traceback

    fd = os.open("shim.err", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600, dir_fd=run.LOCK)
    os.write(fd, traceback.format_exc().encode("utf-8", "replace"))
    os.close(fd)
