"""Start one child process: fork, cut it loose from the terminal, tie it to the launcher's life.

A child is in its own process group, so that Ctrl-C reaches the launcher alone, which then stops the children in order.
On Linux the kernel kills it when the launcher dies, however that dies (prctl(2), PR_SET_PDEATHSIG). The launcher has
one thread, and neither event loop nor database connection, when it forks.
"""

import ctypes
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_NAME = 15
libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

Announce = Callable[[], None]
Target = Callable[[Announce], int]


@dataclass(frozen=True)
class Started:
    pid: int
    output: int  # descriptor: what the child prints
    news: int  # descriptor: a byte when it is ready; closed when it ends


def start(name: str, target: Target, *, private: Iterable[int] = ()) -> Started:
    """Run `target(announce)` in a child; its answer is the child's exit code. `announce()` says that it is ready.
    The descriptors in `private` are closed there."""
    parent = os.getpid()
    output_read, output_write = os.pipe()
    news_read, news_write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            become_child(name, parent, output_write)
            for descriptor in (*private, output_read, news_read):
                os.close(descriptor)
            code = target(lambda: announce(news_write))
        except SystemExit as exc:
            code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
        except BaseException:  # noqa: BLE001 (nothing may unwind into the launcher's own code in this process)
            traceback.print_exc()
        finally:
            leave(code)
    os.close(output_write)
    os.close(news_write)
    os.set_blocking(output_read, False)
    return Started(pid, output_read, news_read)


def become_child(name: str, parent: int, output: int) -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    os.setpgid(0, 0)
    if libc:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # the launcher died before the kernel knew
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    gc.enable()


def announce(news: int) -> None:
    try:
        os.write(news, b".")
    except BrokenPipeError:
        pass  # nobody listens any more


def leave(code: int) -> None:
    """End without the interpreter's own end: that belongs to the launcher, of which this is a copy."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            pass  # the launcher is gone
    os._exit(code)
