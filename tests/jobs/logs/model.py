"""What the log store and the reader must answer, done the slow and obvious way in memory."""

from dataclasses import dataclass
from datetime import UTC, datetime

from hypothesis import settings
from hypothesis import strategies as st

from jobs.logs.selection import Query
from jobs.logs.store import LogKey, LogStore

KEY = LogKey("job-0000000000000000", 1, 0)
# Disks are slow at times; correctness is what is asked.
RELAXED = settings(deadline=None, max_examples=150)
FIRST_NS = 1_736_937_000_123_456_789  # 2025-01-15T10:30:00.123456789Z


@dataclass(frozen=True)
class Written:
    data: bytes
    time_ns: int


@dataclass(frozen=True)
class Line:
    start: int
    data: bytes
    time_ns: int
    whole: bool = True  # begins where the selection does not cut it

    def shown(self, timestamps: bool) -> bytes:
        return stamp(self.time_ns) + self.data if timestamps and self.whole else self.data


def stamp(time_ns: int) -> bytes:
    seconds, rest = divmod(time_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z ".encode()


def lines_of(writes: list[Written], cursor: int = 0) -> list[Line]:
    times = [written.time_ns for written in writes for _ in written.data]
    data = b"".join(written.data for written in writes)
    lines, start = [], min(cursor, len(data))
    whole = start == 0 or data[start - 1 : start] == b"\n"
    for piece in split_lines(data[start:]):
        lines.append(Line(start, piece, times[start], whole))
        start, whole = start + len(piece), True
    return lines


def split_lines(data: bytes) -> list[bytes]:
    """At newlines alone; bytes.splitlines() would also split at carriage returns."""
    pieces = [piece + b"\n" for piece in data.split(b"\n")]
    pieces[-1] = pieces[-1][:-1]
    return [piece for piece in pieces if piece]


def selected(writes: list[Written], query: Query) -> bytes:
    """Everything the query asks for, before any bound."""
    lines = lines_of(writes, query.cursor or 0)
    if query.cursor is None and query.since_ns is not None:
        lines = [line for line in lines if line.time_ns >= query.since_ns]
    if query.until_ns is not None:
        end = next((line.start for line in lines_of(writes) if line.time_ns >= query.until_ns), None)
        lines = [line for line in lines if end is None or line.start < end]
    if query.keyword:
        lines = [line for line in lines if query.keyword in line.data]
    if query.cursor is None and query.tail_lines is not None:
        lines = lines[max(0, len(lines) - query.tail_lines) :]
    return b"".join(line.shown(query.timestamps) for line in lines)


def write(store: LogStore, writes: list[Written], *, seal: bool = True) -> None:
    writer = store.writer(KEY)
    for written in writes:
        writer.append(written.data, written.time_ns)
    if seal:
        writer.seal(writes[-1].time_ns if writes else FIRST_NS)
    writer.close()


# Few different bytes, so that newlines, keywords and broken characters are common.
WORDS = st.sampled_from(
    [b"a", b"ab", b"\n", b"\n\n", b"\r", "损失".encode(), "损".encode()[:2], b"\xff", b"\x00", b"ab\n"]
)
CHUNKS = st.lists(WORDS, max_size=12).map(b"".join)


@st.composite
def logs(draw: st.DrawFn) -> list[Written]:
    steps = draw(st.lists(st.tuples(CHUNKS, st.integers(0, 3)), max_size=12))
    time_ns, writes = FIRST_NS, []
    for data, step in steps:
        time_ns += step * 400_000_000
        writes.append(Written(data, time_ns))
    return writes


OFFSETS = st.integers(0, 80)
KEYWORDS = st.sampled_from([b"", b"a", b"ab", "损".encode(), b"zz"])
SINCE = st.integers(-1, 20).map(lambda step: FIRST_NS + step * 400_000_000)
