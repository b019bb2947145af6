"""Finding and ending everything that was started from one terminal.

A process belongs to a terminal when it is in its session, or carries its mark in the environment (a child that called
setsid() has left the session, and still has the environment it inherited). The session's leader is left a zombie until
nothing else is found: so long, the kernel gives its pid, which is the session's id, to nobody else.

Synchronous, for a thread of its own or the exit of the interpreter; several may run at once, each for its own terminal.
"""

import logging
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

PROC = Path("/proc")
MARK = "JOBS_PLATFORM_TERMINAL"
GRACE_SECONDS = 0.5
KILL_SECONDS = 5.0
STEP_SECONDS = 0.01
SESSION, STATE = 3, 0  # places in /proc/<pid>/stat, counted after the command's closing bracket


def members(leader: int, mark: str) -> set[int]:
    """Every process of the terminal that is not a zombie, the leader included."""
    entry = f"{MARK}={mark}".encode()
    return {int(path.name) for path in PROC.iterdir() if path.name.isdecimal() and belongs(path, leader, entry)}


def belongs(process: Path, leader: int, entry: bytes) -> bool:
    try:
        stat = (process / "stat").read_bytes()
        fields = stat[stat.rindex(b")") + 2 :].split()
        if fields[STATE] in (b"Z", b"X"):
            return False
        return int(fields[SESSION]) == leader or entry in (process / "environ").read_bytes().split(b"\0")
    except OSError:  # gone in between, or another user's
        return False


def end(leader: int, mark: str, *, grace_seconds: float = GRACE_SECONDS) -> None:
    """Hang up, terminate, wait the grace, kill until nothing is left, reap the leader. Takes milliseconds at a prompt,
    the grace and a little when something ignores both signals."""
    deadline = time.monotonic() + grace_seconds
    left = tell(leader, mark, signal.SIGHUP, signal.SIGCONT)
    while left and time.monotonic() < deadline:
        time.sleep(STEP_SECONDS)
        left = tell(leader, mark, signal.SIGTERM, signal.SIGCONT)
    deadline = time.monotonic() + KILL_SECONDS
    while left and time.monotonic() < deadline:
        left = tell(leader, mark, signal.SIGKILL)
        time.sleep(STEP_SECONDS)
        left = members(leader, mark)
    if left:
        logger.error("Terminal %d: processes %s do not die", leader, sorted(left))
    with suppress(ChildProcessError):
        os.waitpid(leader, os.WNOHANG if left else 0)


def tell(leader: int, mark: str, *signals: signal.Signals) -> set[int]:
    """Send the signals to everyone there is; answers who that was."""
    found = members(leader, mark)
    for pid in found:
        for number in signals:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
    return found
