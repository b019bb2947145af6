"""From the command's pipe to the log: bytes as they come, and after them the index record (jobs/logs/format.py).

Where the system can, the bytes go from pipe to file without passing through this process (splice). The first bytes
after a pause are written at once; while more keep coming, what arrives within half a millisecond is written together,
which leaves the processors to the command and keeps the index small.

Once the file at hand is as large as a segment shall be, the next bytes go to another.
"""

import errno
import os
import time

# The values of jobs.logs.format, whose module takes too long to import here; a test holds the two together.
OUTPUT, MARKER, END = 0, 1, 2
CREATE = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
PIPE_SIZE = 1 << 20
F_SETPIPE_SZ = 1031
TOGETHER_NS = 500_000
SEGMENT_BYTES = 64 << 20
CLOSED = b"/.closed"  # in the directory of all logs: who has something to pack (jobs/logs/worklist.py)
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
    """Append-only: what a reader may have seen is never taken back. Numbers are in bytes."""

    def __init__(self, directory: bytes, pipe: int, limit: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        os.makedirs(directory, 0o700, exist_ok=True)  # noqa: PTH103
        self.directory, self.segment_bytes = directory, segment_bytes
        self.log = os.open(directory + b"/main.log", CREATE, 0o600)
        self.index = os.open(directory + b"/main.idx", CREATE, 0o600)
        self.base = 0  # where the segment at hand begins
        self.in_line = False  # whether the one before it ended within a line
        self.position = self.recorded = os.lseek(self.log, 0, os.SEEK_END)
        self.index_size = os.lseek(self.index, 0, os.SEEK_END)
        self.pipe, self.limit = pipe, limit
        self.kept = self.lost = 0  # of the command's output
        self.full = False
        self.time_ns = 0  # of the last record: times never go back, though clocks do
        self.last_ns = 0  # of the last small write, on the monotonic clock
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
        """How many bytes left the pipe; 0 at its end. Raises BlockingIOError when there are none now. A full disk stops
        no command: what cannot be kept is counted, and the log says so as soon as it can be written again."""
        if self.full:
            return self.discard()
        room = min(PIPE_SIZE, self.limit - self.kept)
        try:
            if room <= 0:
                self.marker(f"The log reached its limit: {self.kept} bytes are kept, what follows is not.")
                self.full = True
                return self.discard()
            self.confess()
            before = self.position
            count = self.transfer(room)
            self.kept += self.position - before
            self.note(OUTPUT)
            if self.position - self.base >= self.segment_bytes:
                self.roll()
        except BlockingIOError:
            raise
        except OSError:
            count = self.discard()
            self.lost += count
        return count

    def confess(self) -> None:
        if self.lost:
            self.marker(f"{self.lost} bytes are missing here: the log could not be written.")
            self.lost = 0

    def transfer(self, room: int) -> int:
        if self.splices:
            try:
                to = self.position - self.base
                count = os.splice(self.pipe, self.log, room, offset_dst=to, flags=os.SPLICE_F_NONBLOCK)
            except OSError as exc:
                if exc.errno not in CANNOT:
                    raise
                self.splices = False
            else:
                self.position += count
                return count
        data = os.read(self.pipe, room)
        begin = self.position
        try:
            self.write(data)
        finally:
            self.lost += len(data) - (self.position - begin)
        return len(data)

    def write(self, data: bytes) -> None:
        end = self.position + len(data)
        while self.position < end:
            self.position += os.pwrite(self.log, data[self.position - end :], self.position - self.base)

    def roll(self) -> None:
        """Begin another segment; where that cannot be, the one at hand goes on."""
        in_line = self.ends_in_line()
        try:
            following = os.open(self.directory + b"/main.%020d.log" % self.position, CREATE, 0o600)
        except OSError:
            return
        os.close(self.log)
        self.log, self.base, self.in_line = following, self.position, in_line
        self.tell_packer()

    def ends_in_line(self) -> bool:
        if self.position == self.base:
            return self.in_line
        return os.pread(self.log, 1, self.position - self.base - 1) != b"\n"

    def tell_packer(self) -> None:
        """Best effort: all logs are looked through once a day."""
        root, *names = self.directory.rsplit(b"/", 3)
        try:
            place = root + CLOSED
            os.makedirs(place, 0o700, exist_ok=True)  # noqa: PTH103
            os.close(os.open(place + b"/" + b"-".join(names), CREATE, 0o600))
        except OSError:
            pass

    def note(self, flags: int) -> None:
        """The record for what was written since the last one. One that could not be written is part of the next."""
        length = self.position - self.recorded
        if not length and flags != END:
            return
        self.time_ns = max(self.time_ns, time.time_ns())
        entry = record(self.recorded, self.time_ns, length, flags)
        done = 0
        while done < len(entry):
            done += os.pwrite(self.index, entry[done:], self.index_size + done)
        self.index_size += done
        self.recorded = self.position

    def discard(self) -> int:
        return len(os.read(self.pipe, PIPE_SIZE))

    def marker(self, text: str) -> None:
        """A line of the platform's own; it begins a line, whatever was printed before it."""
        self.note(OUTPUT)
        self.write(("\n" * self.ends_in_line() + f"[platform] {text}\n").encode("utf-8", "replace"))
        self.note(MARKER)

    def end(self) -> None:
        self.confess()
        self.note(OUTPUT)
        self.note(END)
        self.tell_packer()
