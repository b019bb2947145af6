"""What a printed line says of a failure. Pure, and the only place with rules for what errors look like.

A kind has a rank: a cause explains the failure by itself; a consequence is what one replica says because another one
is gone, or what a launcher says because its child is; a mention only has the word error in it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

LONGEST = 4 << 10  # bytes of a line that are looked at
TRACEBACK = b"Traceback (most recent call last):"
TRACEBACK_MOST = 256 << 10  # bytes in which a traceback's last line is looked for


class Rank(IntEnum):
    CAUSE = 1
    CONSEQUENCE = 2
    MENTION = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """[start, end): where in the data the line is, its newline included."""

    start: int
    end: int
    kind: str
    rank: Rank


ANSI = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]")
PREFIX = re.compile(rb"(?:\[[\w:./-]{1,40}\]:? ?)?")  # [rank3]: as torchrun writes before each line
EXCEPTION = rb"^(?:[A-Za-z_][\w]*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Warning|Timeout)(?=:|$)"
RULES: tuple[tuple[str, Rank, re.Pattern[bytes]], ...] = tuple(
    (kind, rank, re.compile(pattern))
    for kind, rank, pattern in (
        ("launcher", Rank.CONSEQUENCE, rb"ChildFailedError|\(exitcode: ?-?\d+\)|Sending process \d+ closing signal"
            rb"|SignalException|srun: error|mpirun (?:noticed|detected)|CalledProcessError"
            rb"|Process group .{0,80}aborted"),
        ("nccl", Rank.CONSEQUENCE, rb"NCCL (?:error|watchdog|WARN)|ncclSystemError|ncclInternalError|ncclRemoteError"
            rb"|Watchdog caught collective|ProcessGroupNCCL.{0,200}(?:timeout|timed out|exception)"),
        ("connection", Rank.CONSEQUENCE, rb"[Cc]onnection (?:reset|closed|refused|aborted)|[Bb]roken ?[Pp]ipe"
            rb"|DistNetworkError|DistStoreError|[Ss]ocket [Tt]imeout|ConnectionResetError|ConnectionRefusedError"
            rb"|Gloo.{0,80}(?:timed out|peer)|^EOFError"),
        ("terminated", Rank.CONSEQUENCE, rb"^(?:.{0,80} )?Terminated$|received signal 15|SIGTERM|KeyboardInterrupt"),
        ("memory", Rank.CAUSE, rb"[Oo]ut of memory|OutOfMemoryError|OOM[- ]?[Kk]ill|oom-kill|^MemoryError"
            rb"|Cannot allocate memory|std::bad_alloc"),
        ("disk", Rank.CAUSE, rb"No space left on device|[Dd]isk quota exceeded"),
        ("cuda", Rank.CAUSE, rb"CUDA (?:error|driver|kernel)|CUDNN_STATUS|cuDNN error|CUBLAS_STATUS|device-side assert"
            rb"|illegal memory access|no kernel image|No CUDA GPUs|Xid \("),
        ("crash", Rank.CAUSE, rb"Segmentation fault|core dumped|Fatal Python error|SIGSEGV|SIGABRT|SIGBUS|Bus error"
            rb"|Illegal instruction|terminate called|stack smashing|double free|^panic: |panicked at"),
        ("killed", Rank.CAUSE, rb"^(?:.{0,80}[: ] *)?Killed(?:$| )|SIGKILL"),
        ("assertion", Rank.CAUSE, rb"AssertionError|[Aa]ssertion .{0,400}failed"),
        ("missing", Rank.CAUSE, rb"command not found|[Nn]o such file or directory|ModuleNotFoundError|^ImportError"
            rb"|can't open file|[Ee]xec format error|[Pp]ermission denied|: not found$"),
        ("exception", Rank.CAUSE, EXCEPTION),
        ("error", Rank.MENTION, rb"\b(?:ERROR|FATAL|CRITICAL)\b|^(?:[Ee]rror|[Ff]atal)\b"),
    )
)  # fmt: skip
# What a line must hold for any rule to apply: one search over a whole block spares the rest.
HINT = re.compile(
    rb"[Ee]rror|ERROR|FATAL|[Ff]atal|CRITICAL|Exception|Interrupt|Exit|Warning|Timeout|Traceback|exitcode"
    rb"|closing signal|mpirun|aborted|NCCL|nccl|Watchdog|onnection |roken ?[Pp]ipe|ocket |Gloo|Terminated"
    rb"|signal 15|SIG[A-Z]{3}|memory|OOM|oom-kill|bad_alloc|left on device|quota|CUDA|CUDNN|cuDNN|CUBLAS"
    rb"|device-side|Xid|fault|dumped|Illegal|terminate called|smashing|double free|panic|Killed|failed"
    rb"|not found|[Nn]o such|open file|format|denied"
)


def judged(line: bytes) -> tuple[str, Rank] | None:
    """Kind and rank of one line, None when it says nothing of a failure."""
    line = bare(line)
    for kind, rank, pattern in RULES:
        if pattern.search(line):
            return kind, rank
    return None


def bare(line: bytes) -> bytes:
    """Without colours, and without what a launcher writes before each line."""
    line = ANSI.sub(b"", line[:LONGEST]).rstrip(b"\r\n")
    match = PREFIX.match(line)
    return line[match.end() :] if match else line


def candidates(data: bytes) -> Iterator[Candidate]:
    """The lines of the data that say something of a failure, in order; of a traceback its last line alone."""
    at = 0
    while hit := HINT.search(data, at):
        start = data.rfind(b"\n", at, hit.start()) + 1 or at
        end = line_end(data, start)
        if TRACEBACK in data[start:end]:
            start, end = last_of_traceback(data, start, end)
            kind, rank = judged(data[start:end]) or ("exception", Rank.CAUSE)
            if rank is Rank.MENTION:
                kind, rank = "exception", Rank.CAUSE
            yield Candidate(start, end, kind, rank)
        elif found := judged(data[start:end]):
            yield Candidate(start, end, *found)
        at = end


def line_end(data: bytes, start: int) -> int:
    """After the line's newline."""
    return data.find(b"\n", start) + 1 or len(data)


def last_of_traceback(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The exception's own line, which is the first that is not indented; the traceback's first line where it does not
    come."""
    at, stop = end, min(len(data), end + TRACEBACK_MOST)
    while at < stop:
        following = line_end(data, at)
        line = bare(data[at:following])
        if line and not line.startswith((b" ", b"\t")):
            return at, following
        at = following
    return start, end
