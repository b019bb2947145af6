"""A container's log as a node keeps it and the API server answers for it, in memory."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from hypothesis import strategies as st

FIRST_NS = 1_736_937_000_123_456_789  # 2025-01-15T10:30:00.123456789Z
SECOND = 1_000_000_000


def stamp(time_ns: int) -> bytes:
    seconds, rest = divmod(time_ns, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z ".encode()


@dataclass
class ContainerLog:
    """`entries`: (time, line without its newline), in the order of the file."""

    entries: list[tuple[int, bytes]] = field(default_factory=list)
    ends_with_newline: bool = True

    @property
    def content(self) -> bytes:
        return self.shown(self.entries, timed=False)

    def shown(self, entries: list[tuple[int, bytes]], *, timed: bool = True) -> bytes:
        data = b"".join((stamp(time_ns) if timed else b"") + line + b"\n" for time_ns, line in entries)
        is_last = entries and self.entries and entries[-1] is self.entries[-1]
        return data[:-1] if data and is_last and not self.ends_with_newline else data

    def answer(self, since: str | None, *, rotated: int = 0, written: int | None = None) -> bytes:
        """What is there of the first `written` lines after the first `rotated` are gone."""
        first_ns = int(datetime.fromisoformat(since).timestamp()) * SECOND if since else 0
        present = self.entries[rotated : len(self.entries) if written is None else max(rotated, written)]
        return self.shown([entry for entry in present if entry[0] >= first_ns])


NEXT_SECOND = 10_000  # from its beginning: a line before it in time may come after it
STEPS = st.sampled_from([0, 0, 1, 40_000, 900_000, 700_000_000, 2_500_000_000, -30_000, NEXT_SECOND])
WORDS = st.sampled_from([b"", b"a", b"step", b"\xff\xfe", b"\r", "损失 ".encode(), stamp(FIRST_NS) + b"x", b"y" * 70])


@st.composite
def container_logs(draw: st.DrawFn, *, distinct: bool = False) -> ContainerLog:
    """Times repeat in a row, and go back a little; but lines apart never have the same time. `distinct`: no two lines
    have the same time or the same words."""
    entries: list[tuple[int, bytes]] = []
    time_ns = FIRST_NS
    for number, (step, word, is_numbered) in enumerate(
        draw(st.lists(st.tuples(STEPS, WORDS, st.booleans()), max_size=25))
    ):
        time_ns += (step or 1) if distinct else step
        if step == NEXT_SECOND:
            time_ns += SECOND - time_ns % SECOND
        used = {one for one, _line in entries}
        while time_ns in used and time_ns != entries[-1][0]:
            time_ns += 1
        entries.append((time_ns, word + b"%d" % number if distinct or is_numbered else word))
    return ContainerLog(entries, draw(st.booleans()) if entries and entries[-1][1] else True)
