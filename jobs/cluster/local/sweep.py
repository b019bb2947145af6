"""Finding and ending everything that was started from a terminal.

A process belongs to a terminal when it is in its session, or carries its mark in the environment (a child that called
setsid() has left the session, and still has the environment it inherited). The session's leader is left a zombie until
nothing else is found: so long, the kernel gives its pid, which is the session's id, to nobody else.

A mark begins with the process that serves the terminal. When that was killed, the kernel hangs its terminals up; what
took no notice is found by its mark and ended (end_abandoned).

Synchronous, for a thread of its own or the exit of the interpreter; several may run at once.
"""

import logging
import os
import secrets
import signal
import time
from contextlib import suppress

from jobs.cluster.base import EXEC_MARK
from jobs.cluster.local.shim import proc

logger = logging.getLogger(__name__)

MARK = EXEC_MARK
GRACE_SECONDS = 0.5
KILL_SECONDS = 5.0
STEP_SECONDS = 0.01
LOOKS = 6
# Places in /proc/<pid>/stat, counted after the command's closing bracket.
STATE, SESSION, MEMORY, ENVIRONMENT_START, ENVIRONMENT_END = 0, 3, 20, 47, 48
NOBODY = -1  # the leader of no session


def new_mark() -> str:
    """`<pid>.<its start>.<random>` of the process that serves the terminal."""
    return f"{os.getpid()}.{proc.start_ticks(os.getpid())}.{secrets.token_hex(16)}"


def members(leader: int, mark: str) -> set[int]:
    """Every process of the terminal that is not a zombie, the leader included.

    Two looks in a row must find nobody: a process may fork and end while one look is under way, behind its back. And in
    neither may a process have been in the middle of an exec, which hides its environment for a moment."""
    entry = f"{MARK}={mark}".encode()
    quiet = 0
    for _ in range(LOOKS):
        answers = {pid: belongs(pid, leader, entry) for pid in proc.processes()}
        if found := {pid for pid, answer in answers.items() if answer}:
            return found
        quiet = 0 if None in answers.values() else quiet + 1
        if quiet == 2:
            break
        time.sleep(0 if quiet else STEP_SECONDS)
    return set()


def belongs(pid: int, leader: int, entry: bytes) -> bool | None:
    """None: cannot be told just now."""
    fields = proc.stat_fields(pid)
    if not fields or fields[STATE] in (b"Z", b"X"):
        return False
    if int(fields[SESSION]) == leader:
        return True
    environment = read_environment(pid)
    if environment is None:
        return False
    if environment:
        return entry in environment.split(b"\0")
    return None if is_changing(pid) else False


def is_changing(pid: int) -> bool:
    """Whether a process that shows no environment is in an exec, or has just done one. The kernel's own threads have no
    memory, and a shim an environment of no bytes."""
    fields = proc.stat_fields(pid)
    if not fields or fields[MEMORY] == b"0":
        return False
    return fields[ENVIRONMENT_END] == b"0" or fields[ENVIRONMENT_START] != fields[ENVIRONMENT_END]


def read_environment(pid: int) -> bytes | None:
    """None for a process that is gone, or another user's."""
    try:
        with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:  # noqa: PTH123 (half the time)
            return file.read()
    except OSError:
        return None


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
    if leader != NOBODY:
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


def end_abandoned() -> int:
    """Ends what is left of terminals whose server was killed. Answers how many terminals that were."""
    abandoned = {mark for pid in proc.processes() if (mark := abandoned_mark(pid))}
    for mark in abandoned:
        end(NOBODY, mark)
    return len(abandoned)


def abandoned_mark(pid: int) -> str:
    """The mark in the process's environment when who made it is gone, else empty."""
    prefix = f"{MARK}=".encode()
    entries = (read_environment(pid) or b"").split(b"\0")
    mark = next((os.fsdecode(entry[len(prefix) :]) for entry in entries if entry.startswith(prefix)), "")
    server, _, rest = mark.partition(".")
    ticks = rest.partition(".")[0]
    if not (server.isascii() and server.isdecimal() and ticks.isascii() and ticks.isdecimal()):
        return ""
    return mark if proc.start_ticks(int(server)) != int(ticks) else ""
