"""Starting the user's command: a forked child prepares itself, waits for the word, becomes the command.

The child holds still until the supervisor has written down that the command is about to start. If the supervisor dies
before, the child reads the end of its gate and leaves without having done anything.
"""

import errno
import os

from .signals import signal
from .spec import Spec

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
WORKING_DIRECTORY = b"d"
COMMAND = b"c"
NOT_FOUND = (errno.ENOENT, errno.ENOTDIR)


class Child:
    def __init__(self, pid: int, gate: int, report: int) -> None:
        self.pid, self.gate, self.report = pid, gate, report

    def release(self) -> tuple[int, str] | None:
        """Let it become the command. None once it has; else (exit code, what went wrong)."""
        try:
            os.write(self.gate, b"g")
        except BrokenPipeError:
            pass  # it could not enter its working directory and has left: its report says so
        os.close(self.gate)
        answer = os.read(self.report, 4096)
        os.close(self.report)
        return explain(answer) if answer else None

    def dismiss(self) -> None:
        """It leaves without having become the command."""
        os.close(self.gate)
        os.close(self.report)


def prctl(option: int, value: int) -> bool:
    """False where the system has no such call. `_ctypes` and not `ctypes`, whose import takes three times as long."""
    import _ctypes

    class Integer(_ctypes._SimpleCData):  # type: ignore[type-arg]
        _type_ = "i"

    class Function(_ctypes.CFuncPtr):
        _flags_ = _ctypes.FUNCFLAG_CDECL
        _restype_ = Integer

    try:
        program = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]
        address = _ctypes.dlsym(program, "prctl")
    except (OSError, AttributeError):
        return False
    return bool(Function(address)(option, value, 0, 0, 0) == 0)


def prepare(spec: Spec, output: int) -> Child:
    gate_read, gate = os.pipe()
    report, report_write = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(gate)
            become(spec, output, gate_read, report_write, parent)
        finally:
            os._exit(127)
    os.close(gate_read)
    os.close(report_write)
    return Child(pid, gate, report)


def become(spec: Spec, output: int, gate: int, report: int, parent: int) -> None:
    """In the child: does not come back, except to leave."""
    os.setsid()
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a killed supervisor leaves nothing running unwatched
    if os.getppid() != parent:
        return
    os.dup2(output, 1)
    os.dup2(output, 2)
    reset_signals()
    pin(spec.cpus)
    stage, detail = WORKING_DIRECTORY, spec.working_dir
    try:
        os.chdir(spec.working_dir)
        if os.read(gate, 1) != b"g":
            return
        stage, detail = COMMAND, spec.args[0]
        execute(spec.args, spec.env)
    except OSError as exc:
        os.write(report, b"%s%d %s" % (stage, exc.errno or 0, detail[:2000]))


def reset_signals() -> None:
    """Python ignores SIGPIPE, and an ignored signal stays ignored in what is executed."""
    for number in signal.valid_signals():
        if signal.getsignal(number) not in (signal.SIG_DFL, None):
            signal.signal(number, signal.SIG_DFL)


def pin(cpus: bytes) -> None:
    if cpus and hasattr(os, "sched_setaffinity"):
        try:
            os.sched_setaffinity(0, [int(cpu) for cpu in cpus.split(b",")])
        except OSError:
            pass  # a CPU went away since it was chosen: the command runs on all of them


def execute(args: list[bytes], env: dict[bytes, bytes]) -> None:
    """As execvpe(3) does, without its shell for files that are no program. Raises OSError, the most telling one."""
    name, denied = args[0], None
    if b"/" in name:
        os.execve(name, args, env)
    for directory in env.get(b"PATH", b"").split(b":"):
        try:
            os.execve((directory or b".") + b"/" + name, args, env)
        except OSError as exc:
            if exc.errno == errno.EACCES:
                denied = exc
            elif exc.errno not in NOT_FOUND:
                raise
    raise denied or FileNotFoundError(errno.ENOENT, "not found")


def explain(answer: bytes) -> tuple[int, str]:
    """(exit code, sentence), with the exit codes that shells and Kubernetes use."""
    stage, (code, _, raw) = answer[:1], answer[1:].partition(b" ")
    number, detail = int(code), raw.decode("utf-8", "replace")
    why = os.strerror(number)
    if stage == WORKING_DIRECTORY:
        return 128, f"working directory {detail}: {why}. Name one that exists on this machine, or leave it out."
    if number not in NOT_FOUND:
        return 126, f"{detail}: cannot be executed: {why}."
    if "/" not in detail:
        return 127, f"{detail}: command not found in PATH. Check its name, or give the full path of the program."
    if os.path.exists(raw):  # noqa: PTH110
        return 127, f"{detail}: the interpreter that its first line names was not found."
    return 127, f"{detail}: no such file. Check the path of the command."
