"""The life of one replica, from the spec on standard input to exit.json. One thread; all waiting is in one poll.

Order of what is written, and why: started.json before the command can have any effect (nobody starts it again); then
`stop` is looked for once more (its writer looks for started.json after writing it, so one of the two sees the other);
exit.json after the log's last byte (who finds it can read the whole log).
"""

import errno
import os
import select
import time

from . import command, files, proc
from .output import Log, output_pipe
from .signals import signal
from .spec import Spec, decode
from .tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MEMORY_CHECK_S = 0.2
LEFTOVER_OWN_END_S = 0.2  # for what the command left behind to end by itself, such as a `tee` that still writes
LEFTOVER_GRACE_S = 2.0
KILL_AGAIN_S = 0.05
TRY_AGAIN_S = 1.0
HINT_STARTED_S = 0.05  # meanwhile the pipe keeps what the command prints
HINT_ENDED_S = 5.0
LOCK = 3  # the open file that holds the replica's lock: its directory
NEVER = float("inf")
START_ERROR, STOPPED, OOM_KILLED, NODE_LOST = "StartError", "Stopped", "OOMKilled", "NodeLost"


def preload() -> None:
    """What the functions below import when they need it, for a process that forks shims."""
    import _ctypes
    import _socket
    import fcntl

    del _ctypes, _socket, fcntl


def main() -> None:
    """With the socket that the spec comes from on standard input and the lock on LOCK, in a session of its own."""
    close_strangers()
    command.prctl(command.PR_SET_CHILD_SUBREAPER, 1)
    wakeup, wakeup_write = os.pipe()
    for end in (wakeup, wakeup_write):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda number, frame: None)
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    Replica(read_spec(), wakeup).run()


def close_strangers() -> None:
    """Keep standard input, output, error and the lock, which the command must not inherit."""
    os.set_inheritable(LOCK, False)
    try:
        opened = [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208
    except OSError:
        opened = list(range(256))
    for fd in opened:
        if fd > LOCK:
            try:
                os.close(fd)
            except OSError:
                pass  # the one that listed the others


def read_spec() -> Spec:
    os.write(0, b"+")  # here we are
    parts = []
    while part := os.read(0, 1 << 16):
        parts.append(part)
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return decode(b"".join(parts))


class Replica:
    def __init__(self, spec: Spec, wakeup: int) -> None:
        self.spec, self.wakeup = spec, wakeup
        self.pipe, self.pipe_write = output_pipe()
        self.log = Log(spec.log_dir, self.pipe, spec.max_log_bytes, spec.segment_bytes)
        self.ending, self.message = "", ""  # why we end it, when it is we who do
        self.term_at = self.kill_at = NEVER
        self.memory_at = time.monotonic() if spec.memory_bytes else NEVER

    def run(self) -> None:
        if files.read_stop(self.spec.state_dir) is not None:
            return self.finish_unstarted()
        child = command.prepare(self.spec, self.pipe_write)
        os.close(self.pipe_write)
        self.tree = Tree(child.pid)
        self.write_started(child.pid)
        if files.read_stop(self.spec.state_dir) is not None:
            child.dismiss()
            return self.finish_unstarted()
        failure = child.release()
        if failure:
            return self.finish(START_ERROR, failure[0], None, failure[1])
        self.hint(HINT_STARTED_S)
        self.supervise()
        return self.finish(*self.outcome())

    def write_started(self, pid: int) -> None:
        now = time.time_ns()
        files.write_once(
            self.spec.state_dir,
            b"started.json",
            files.dump(
                {
                    "uid": self.spec.uid.decode(),
                    "node": self.spec.node.decode("utf-8", "replace"),
                    "boot_id": proc.boot_id(),
                    "shim_pid": os.getpid(),
                    "shim_ticks": proc.start_ticks(os.getpid()),
                    "pid": pid,  # also the process group's and the session's
                    "ticks": proc.start_ticks(pid),
                    "started_ns": now,
                }
            ),
        )

    def supervise(self) -> None:
        """Until nothing of the command lives and its output is in the log."""
        waiting = select.poll()
        waiting.register(self.wakeup, select.POLLIN)
        waiting.register(self.pipe, select.POLLIN)
        while not self.tree.empty:
            wait = min(self.term_at, self.kill_at, self.memory_at) - time.monotonic()
            for fd, _ in waiting.poll(None if wait == NEVER else max(0.0, wait * 1000)):
                if fd == self.wakeup:
                    self.on_signal()
                elif not self.log.pump():
                    waiting.unregister(self.pipe)
            self.on_time(time.monotonic())
        self.log.drain()

    def on_signal(self) -> None:
        received = os.read(self.wakeup, 512)
        if signal.SIGTERM in received:
            self.on_stop()
        running = self.tree.status is None
        self.tree.reap()
        if running and self.tree.status is not None and self.kill_at == NEVER:
            self.term_at = time.monotonic() + LEFTOVER_OWN_END_S

    def on_stop(self) -> None:
        grace_ms = files.read_stop(self.spec.state_dir)
        if grace_ms is None:
            self.end(NODE_LOST, "the supervisor was told to end, as at a shutdown of the machine", self.spec.grace_ms)
        else:
            self.end(STOPPED, "", grace_ms)

    def end(self, reason: str, message: str, grace_ms: int) -> None:
        if self.tree.status is None and not self.ending:
            self.ending, self.message = reason, message
            self.tree.send(signal.SIGTERM)
        self.kill_at = min(self.kill_at, time.monotonic() + grace_ms / 1000)

    def on_time(self, now: float) -> None:
        if now >= self.memory_at:
            self.memory_at = now + self.check_memory()
        if now >= self.term_at:
            self.term_at = NEVER
            self.tree.send(signal.SIGTERM)
            self.kill_at = min(self.kill_at, now + LEFTOVER_GRACE_S)
        if now >= self.kill_at:
            self.tree.send(signal.SIGKILL)
            self.kill_at = now + KILL_AGAIN_S

    def check_memory(self) -> float:
        """Seconds until the next look. Shared pages are told apart only when the quick sum is over the limit."""
        members = self.tree.members()
        if proc.memory_in_use(members) <= self.spec.memory_bytes:
            return MEMORY_CHECK_S
        used = sum(proc.proportional(pid) for pid in members)
        if used > self.spec.memory_bytes and self.tree.status is None:
            self.ending = OOM_KILLED
            self.message = f"used {show_mib(used)} of memory, its limit is {show_mib(self.spec.memory_bytes)}"
            self.kill_at = 0.0
        return MEMORY_CHECK_S

    def outcome(self) -> tuple[str, int | None, int | None, str]:
        """(reason, exit code, signal, message)."""
        status = self.tree.status or 0
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        code = 128 + number if number else os.WEXITSTATUS(status)
        if self.ending:
            return self.ending, code, number, self.message
        if number:
            return "Error", code, number, f"ended by signal {number} ({signal_name(number)})"
        return ("Error", code, None, f"exit code {code}") if code else ("Completed", 0, None, "")

    def finish_unstarted(self) -> None:
        self.finish(STOPPED, None, None, "stopped before the command was started")

    def finish(self, reason: str, code: int | None, number: int | None, message: str) -> None:
        if reason == START_ERROR:
            insist(lambda: self.log.marker(message))
        insist(self.log.end)
        ended: dict[str, files.Value] = {
            "reason": reason,
            "exit_code": code,
            "signal": number,
            "message": message,
            "finished_ns": time.time_ns(),
        }
        insist(lambda: files.replace(self.spec.state_dir, b"exit.json", files.dump(ended)))
        end = os.open(self.spec.state_dir + b"/exit.json", os.O_RDONLY | os.O_CLOEXEC)
        os.close(LOCK)
        self.hint(HINT_ENDED_S)
        os.fsync(end)  # by now somebody may have read and removed it

    def hint(self, patience_s: float) -> None:
        """Best effort by design: the platform's sweep finds out without it, only later. The patience is for a listener
        whose queue is full: it holds 10 on most machines, and many jobs may start or end at once."""
        import _socket

        try:
            sender = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC)
            sender.settimeout(patience_s)
            sender.sendto(self.spec.pod, self.spec.hint_socket)
            sender.close()
        except OSError:
            pass


def insist(write: "Callable[[], None]") -> None:
    """Do it; on a full disk wait until there is room, rather than lose how the command ended."""
    while True:
        try:
            return write()
        except OSError as exc:
            if exc.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            time.sleep(TRY_AGAIN_S)


def show_mib(amount: int) -> str:
    return f"{amount / (1 << 20):.1f} MiB"


def signal_name(number: int) -> str:
    names = [name for name in dir(signal) if name.startswith("SIG") and not name.startswith("SIG_")]
    return next((name for name in names if getattr(signal, name) == number), "unknown")
