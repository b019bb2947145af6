"""From the command's pipe to the log: bytes as they come, and after them the index record (jobs/logs/format.py).

Where the system can, the bytes go from pipe to file without passing through this process (splice). The first bytes
after a pause are written at once; while more keep coming, what arrives within half a millisecond is written together,
which leaves the processors to the command and keeps the index small.
"""

import errno
import os
import time

# The values of jobs.logs.format, whose module takes too long to import here; a test holds the two together.
OUTPUT, MARKER, END = 0, 1, 2
PIPE_SIZE = 1 << 20
F_SETPIPE_SZ = 1031
TOGETHER_NS = 500_000
CANNOT = (errno.EINVAL, errno.ENOSYS)  # what splice says on a file system that has no such thing


def record(offset: int, time_ns: int, length: int, flags: int) -> bytes:
    return (
        offset.to_bytes(8, "little")
        + time_ns.to_bytes(8, "little", signed=True)
        + length.to_bytes(4, "little")
        + flags.to_bytes(4, "little")
    )


def output_pipe() -> tuple[int, int]:
    read, write = os.pipe()
    os.set_blocking(read, False)
    try:
        import fcntl

        fcntl.fcntl(write, F_SETPIPE_SZ, PIPE_SIZE)
    except OSError:
        pass  # not Linux, or this user's pipes hold as much as they may: the usual 64 KiB works too
    return read, write


class Log:
    """Every number is in bytes. `kept` never passes `limit` by more than the platform's own lines."""

    def __init__(self, directory: bytes, pipe: int, limit: int) -> None:
        os.makedirs(directory, 0o700, exist_ok=True)  # noqa: PTH103
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self.log = os.open(directory + b"/main.log", flags, 0o600)
        self.index = os.open(directory + b"/main.idx", flags | os.O_APPEND, 0o600)
        self.offset = os.lseek(self.log, 0, os.SEEK_END)
        self.pipe, self.limit = pipe, limit
        self.kept = self.lost = 0
        self.full = False
        self.last_ns = 0
        self.splices = hasattr(os, "splice")

    def pump(self) -> bool:
        """Move what is in the pipe now, without waiting for more; False at its end."""
        pause = self.last_ns + TOGETHER_NS - time.monotonic_ns()
        if pause > 0:
            time.sleep(pause / 1e9)
        try:
            count = self.step()
        except BlockingIOError:
            return True
        # A pipe that fills this fast is a quick printer's: it shall not wait.
        self.last_ns = 0 if count >= PIPE_SIZE // 16 else time.monotonic_ns()
        return count > 0

    def drain(self) -> None:
        """Move all that is left, when nobody is left to write more."""
        try:
            while self.step():
                pass
        except BlockingIOError:
            pass  # empty, though somebody far away still holds the other end

    def step(self) -> int:
        return self.discard() if self.full else self.move()

    def move(self) -> int:
        room = min(PIPE_SIZE, self.limit - self.kept)
        if room <= 0:
            self.full = True
            self.marker(f"The log reached its limit: {self.kept} bytes are kept, what is printed from here on is not.")
            return self.discard()
        try:
            self.confess()
            count = self.transfer(room)
        except BlockingIOError:
            raise
        except OSError:  # a full disk: the command goes on, and the log says later what is missing
            count = self.discard()
            self.lost += count
            return count
        try:
            self.note(count, OUTPUT)
            self.kept += count
        except OSError:
            self.lost += count  # without its record it is not there: the next bytes take its place
        return count

    def confess(self) -> None:
        if self.lost:
            self.marker(f"{self.lost} bytes are missing here: the log could not be written.")
            self.lost = 0

    def transfer(self, room: int) -> int:
        if self.splices:
            try:
                return os.splice(self.pipe, self.log, room, offset_dst=self.offset, flags=os.SPLICE_F_NONBLOCK)
            except OSError as exc:
                if exc.errno not in CANNOT:
                    raise
                self.splices = False
        data = os.read(self.pipe, room)
        try:
            return self.write(data)
        except OSError:
            self.lost += len(data)
            raise

    def write(self, data: bytes) -> int:
        done = 0
        while done < len(data):
            done += os.pwrite(self.log, data[done:], self.offset + done)
        return done

    def note(self, count: int, flags: int) -> None:
        """The index record for `count` bytes written at the end of the log."""
        if count or flags == END:
            os.write(self.index, record(self.offset, time.time_ns(), count, flags))
            self.offset += count

    def discard(self) -> int:
        return len(os.read(self.pipe, PIPE_SIZE))

    def marker(self, text: str) -> None:
        """A line of the platform's own; it begins a line, whatever was printed before it."""
        cut = self.offset > 0 and os.pread(self.log, 1, self.offset - 1) != b"\n"
        data = ("\n" * cut + f"[platform] {text}\n").encode("utf-8", "replace")
        self.note(self.write(data), MARKER)

    def end(self) -> None:
        self.confess()
        os.ftruncate(self.log, self.offset)
        self.note(0, END)

    def sync(self) -> None:
        """Last of all, for a power cut: nobody waits for it."""
        os.fsync(self.log)
        os.fsync(self.index)
