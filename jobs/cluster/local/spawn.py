"""Starting shims: each process that creates attempts has one small child that forks them (shim/zygote.py).

The child is started when it is first needed, with posix_spawn, because a fork of this large, threaded process would be
slow and is not safe. It ends by itself when this process ends, however that ends; the shims do not.
"""

import os
import socket
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from jobs.cluster.errors import Unavailable

SHIM = Path(__file__).parent / "shim" / "__main__.py"
TIMEOUT_S = 10.0


class ShimGone(Unavailable):
    """A shim, or who was to fork it, was killed before it had its spec: nothing has run."""


@dataclass(frozen=True, slots=True)
class Zygote:
    channel: socket.socket
    pid: int
    owner: int  # a forked copy of this process starts its own


_zygote: Zygote | None = None
_ended: set[int] = set()  # to be collected
_lock = threading.Lock()


def pair() -> tuple[socket.socket, socket.socket]:
    """Both ends block, whatever the process's default is: a worker that has lost its broker sets a time limit for all
    new sockets while it connects again, and the other end is read by a process that knows nothing of limits."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    for end in ends:
        end.setblocking(True)
    return ends


def spawn(lock: int) -> socket.socket:
    """Start a shim that takes over `lock`. It says when it is there, and waits for its spec, on the socket that is
    returned: closed without one, it ends without having done anything. Raises Unavailable."""
    ours, theirs = pair()
    try:
        send([theirs.fileno(), lock])
    except OSError as exc:
        ours.close()
        raise Unavailable(f"no process could be started: {exc}") from exc
    finally:
        theirs.close()
    ours.settimeout(TIMEOUT_S)
    return ours


def deliver(shim: socket.socket, spec: bytes) -> None:
    """Wait until a spawned shim is there, tell it what to run, close the socket. Raises ShimGone."""
    try:
        with shim:
            if not shim.recv(1):
                raise ShimGone("the supervisor's process ended as it began")
            shim.sendall(spec)
    except OSError as exc:
        raise ShimGone(f"the supervisor does not listen: {exc}") from exc


def send(files: list[int]) -> None:
    """Open files on their way keep locks held; they are closed if the receiver dies before it has them."""
    with _lock:
        try:
            socket.send_fds(zygote().channel, [b"+"], files)
        except (BrokenPipeError, ConnectionResetError):  # it was killed, or ended for want of work
            dismiss()
            socket.send_fds(zygote().channel, [b"+"], files)


def zygote() -> Zygote:
    global _zygote
    if _zygote is None or _zygote.owner != os.getpid():
        _zygote = start()
    return _zygote


def start() -> Zygote:
    ours, theirs = pair()
    try:
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", str(SHIM)],
            {},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, theirs.fileno(), 0),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            ],
            setsid=True,
            setsigmask=[],
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    ours.settimeout(TIMEOUT_S)
    return Zygote(ours, pid, os.getpid())


def dismiss() -> None:
    """Its channel closed, it ends by itself; so it has, if it was found dead."""
    global _zygote
    if _zygote is not None:
        _zygote.channel.close()
        if _zygote.owner == os.getpid():
            _ended.add(_zygote.pid)
        _zygote = None


def reap() -> None:
    """Collect what has ended, so that it does not stay in the process table."""
    with _lock:
        if _zygote is not None and _zygote.owner == os.getpid() and collected(_zygote.pid):
            ended = _zygote.pid
            dismiss()
            _ended.discard(ended)  # the number may be another's soon
        _ended.difference_update([pid for pid in _ended if collected(pid)])


def collected(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True  # by somebody else
