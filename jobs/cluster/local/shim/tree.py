"""Everything the command started, and how to end it.

The supervisor is the subreaper of its descendants (Linux): one whose parent ends becomes its child, whatever process
group or session it put itself into. So "no child left to wait for" proves that nothing of the command lives. Elsewhere
only the command's own process group can be reached.
"""

import os

from . import proc
from .signals import signal

LINUX = os.path.isdir("/proc/self/task")  # noqa: PTH112


class Tree:
    def __init__(self, main: int) -> None:
        self.main = main  # also its process group and session
        self.status: int | None = None  # of the main process, as waitpid gives it
        self.empty = False  # nothing lives

    def reap(self) -> None:
        """Collect all that has ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.empty = True
                return
            if pid == 0:
                return
            if pid == self.main:
                self.status = status
                if not LINUX:
                    self.send_group(signal.SIGKILL)

    def members(self) -> list[int]:
        return proc.descendants(os.getpid())

    def send(self, number: int) -> None:
        """To the command's process group and, when that is not enough or its leader is gone, to all the rest."""
        if self.status is None:
            self.send_group(number)
        if number == signal.SIGKILL or self.status is not None:
            for pid in self.members():
                send(pid, number)

    def send_group(self, number: int) -> None:
        try:
            os.killpg(self.main, number)
        except (ProcessLookupError, PermissionError):
            pass  # gone, or another user's now: the caller looks again


def send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # as above
