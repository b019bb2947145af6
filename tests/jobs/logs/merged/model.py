"""What merged logs must answer, done the slow and obvious way in memory."""

from collections.abc import Mapping

from hypothesis import strategies as st

from jobs.logs.merged.spans import Part
from jobs.logs.store import LogKey, LogStore
from tests.jobs.logs.model import CHUNKS, FIRST_NS, Written, lines_of

JOB_ID = "job-0000000000000000"

Shown = tuple[int, int, int, bytes]  # time, replica, offset, text
Logs = Mapping[int, list[Written]]  # by replica


def key(replica: int, attempt: int = 1) -> LogKey:
    return LogKey(JOB_ID, attempt, replica)


def part(logs: Logs, *, attempt: int = 1, over: bool = False) -> Part:
    return Part([key(replica, attempt) for replica in logs], over)


def write(store: LogStore, logs: Logs, *, attempt: int = 1, seal: bool = True) -> None:
    for replica, writes in logs.items():
        writer = store.writer(key(replica, attempt))
        for written in writes:
            writer.append(written.data, written.time_ns)
        if seal:
            writer.seal(writes[-1].time_ns if writes else FIRST_NS)
        writer.close()


def ordered(logs: Logs, *, whole: bool = False) -> list[Shown]:
    """Every line in order. `whole`: without a last one that has no end."""
    return sorted(
        (line.time_ns, replica, line.start, without_end(line.data))
        for replica, writes in logs.items()
        for line in lines_of(writes)
        if line.data.endswith(b"\n") or not whole
    )


def without_end(data: bytes) -> bytes:
    return data[:-1].removesuffix(b"\r") if data.endswith(b"\n") else data


@st.composite
def logs(draw: st.DrawFn) -> Logs:
    found = {}
    for replica in range(draw(st.integers(1, 4))):
        time_ns, writes = FIRST_NS, []
        for data, step in draw(st.lists(st.tuples(CHUNKS, st.integers(0, 3)), max_size=8)):
            time_ns += step * 400_000_000
            writes.append(Written(data, time_ns))
        found[replica] = writes
    return found
