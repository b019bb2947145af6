"""However a container's log arrives, is cut, is asked for again or rotates: every byte once and in order, or a gap."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobs.cluster.base import LogLines
from jobs.cluster.kubernetes import stamped
from jobs.cluster.kubernetes.reading import Reading
from jobs.cluster.kubernetes.stamped import nanoseconds
from jobs.logs.position import LogPosition, Trail
from tests.jobs.cluster.kubernetes.container_log import FIRST_NS, SECOND, ContainerLog, container_logs, stamp

RELAXED = settings(deadline=None, max_examples=300)


@dataclass(frozen=True)
class Pass:
    """One answer: what of the log was written and gone by then, where it broke off, and how it was cut into chunks.
    `anew`: another reader goes on from the position."""

    written: float
    rotated: float
    broken: float | None
    chunk: int
    flush: bool
    anew: bool


SHARES = st.floats(0, 1)
PASSES = st.lists(
    st.builds(Pass, SHARES, SHARES, st.none() | SHARES, st.integers(1, 90), st.booleans(), st.booleans()), max_size=6
).map(lambda passes: sorted(passes, key=lambda one: one.written))


def take(reading: Reading, answer: bytes, chunk: int, *, flush: bool) -> Iterator[LogLines]:
    for start in range(0, len(answer), chunk):
        yield reading.feed(answer[start : start + chunk])
        if flush:
            yield reading.flush()
        if reading.is_lost:
            return
    yield reading.finish()


def read_all(log: ContainerLog, passes: list[Pass], *, rotates: bool) -> list[LogLines]:
    reading, found, rotated = Reading(None), [], 0
    for one in passes:
        if one.anew:
            reading = Reading(position(found))
        written = round(one.written * len(log.entries))
        if rotates and any(lines.data for lines in found):  # before that, nobody can know that something is gone
            rotated = max(rotated, round(one.rotated * written))
        answer = log.answer(reading.begin(), rotated=rotated, written=written)
        end = len(answer) if one.broken is None else round(one.broken * len(answer))
        found += take(reading, answer[:end], one.chunk, flush=one.flush)
        if reading.is_lost:
            found.append(reading.give_up())
    for _again in range(3):
        found += take(reading, log.answer(reading.begin(), rotated=rotated), 1 << 16, flush=False)
        if not (reading.is_lost or reading.is_searching):
            break
        found.append(reading.give_up())
    return [lines for lines in found if lines.data or lines.gap]


def position(found: list[LogLines]) -> LogPosition | None:
    trail = Trail()
    for lines in found:
        if lines.data:
            trail.add(lines.data, lines.times)
    return trail.position


def timed(found: list[LogLines]) -> Iterator[tuple[bytes, int]]:
    for lines in found:
        for number, (start, time_ns) in enumerate(lines.times):
            end = lines.times[number + 1][0] if number + 1 < len(lines.times) else len(lines.data)
            yield lines.data[start:end], time_ns


@RELAXED
@given(container_logs(), PASSES)
def test_every_byte_comes_once_and_in_order(log: ContainerLog, passes: list[Pass]) -> None:
    found = read_all(log, passes, rotates=False)
    assert b"".join(lines.data for lines in found) == log.content
    assert not any(lines.gap for lines in found)


@RELAXED
@given(container_logs(distinct=True), PASSES)  # of lines of one time, nobody can say how many rotated away
def test_what_rotated_away_is_a_gap_and_nothing_else_is(log: ContainerLog, passes: list[Pass]) -> None:
    parts = [b""]
    for lines in read_all(log, passes, rotates=True):
        if lines.gap:
            parts.append(b"")
        parts[-1] += lines.data
    content, at = log.content, 0
    for number, part in enumerate(parts):
        place = content.find(part, at) if number < len(parts) - 1 else content.rfind(part, at)
        assert place >= 0
        assert place == at or number
        at = place + len(part)
    assert at == len(content) or (len(parts) > 1 and not parts[-1])


@RELAXED
@given(container_logs(), st.integers(1, 90))
def test_each_time_is_that_of_the_line_it_stands_at(log: ContainerLog, chunk: int) -> None:
    reading = Reading(None)
    reading.begin()
    times = {}
    offset = 0
    for time_ns, line in log.entries:
        times[offset] = time_ns
        offset += len(line) + 1
    at = 0
    for lines in take(reading, log.answer(None), chunk, flush=False):
        assert bool(lines.times) == bool(lines.data)
        assert not lines.times or lines.times[0][0] == 0
        for start, time_ns in lines.times:
            assert times[at + start] == time_ns
        at += len(lines.data)


def test_lines_of_one_millisecond_share_a_time_but_the_last_has_its_own() -> None:
    reading = Reading(None)
    reading.begin()
    base = FIRST_NS - FIRST_NS % 1_000_000
    log = ContainerLog([(base + number * 100, b"line %d" % number) for number in range(1000)])
    lines = reading.feed(log.answer(None))
    assert lines.data == log.content
    assert lines.times == ((0, base), (len(log.content) - len(b"line 999\n"), base + 99_900))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"2025-01-15T10:30:00.123456789Z", FIRST_NS),
        (b"2025-01-15T18:30:00.123456789+08:00", FIRST_NS),
        (b"2025-01-15T10:30:00.1Z", FIRST_NS // SECOND * SECOND + SECOND // 10),
        (b"2025-01-15T10:30:00Z", FIRST_NS // SECOND * SECOND),
        (b"0001-01-01T00:00:00Z", 0),
        (b"2025-99-15T10:30:00Z", 0),
        (b"9999-01-01T00:00:00Z", (1 << 63) - 1),
    ],
)
def test_times_are_read_as_nodes_write_them(text: bytes, expected: int) -> None:
    assert nanoseconds(text) == expected


@pytest.mark.parametrize("chunk", [700_000, 1 << 20, 3_000_001])
def test_a_huge_line_comes_in_pieces_of_one_time(chunk: int) -> None:
    line = bytes(range(128, 138)) * 500_000
    log = ContainerLog([(FIRST_NS, b"before"), (FIRST_NS + 5, line), (FIRST_NS + 9, b"after")])
    reading = Reading(None)
    reading.begin()
    found = list(take(reading, log.answer(None), chunk, flush=False))
    assert b"".join(lines.data for lines in found) == log.content
    assert max(len(lines.data) for lines in found) <= stamped.LINE_MAX + chunk
    assert {time_ns for _piece, time_ns in timed(found)} == {FIRST_NS, FIRST_NS + 5, FIRST_NS + 9}


def test_reading_goes_on_inside_a_huge_line() -> None:
    line = b"x" * (3 << 20)
    log = ContainerLog([(FIRST_NS, b"before"), (FIRST_NS + 5, line), (FIRST_NS + 5, line)])
    reading = Reading(None)
    reading.begin()
    first = list(take(reading, log.answer(None)[: 5 << 20], 65536, flush=False))
    reading.begin()
    found = first + list(take(reading, log.answer(None), 65536, flush=False))
    assert b"".join(lines.data for lines in found) == log.content


def test_another_reader_goes_on_inside_a_line_again_and_again() -> None:
    log = ContainerLog([(FIRST_NS, bytes(range(32, 112))), (FIRST_NS + 5, b"after")])
    reading = Reading(None)
    found = []
    for end in (40, 50, 60, 80, 200):
        answer = log.answer(reading.begin())[:end]
        found += take(reading, answer, 1000, flush=False)
        if end == 40:
            reading = Reading(position(found))
    assert b"".join(lines.data for lines in found) == log.content


def test_the_same_line_at_the_same_time_is_told_apart_by_counting() -> None:
    log = ContainerLog([(FIRST_NS, b"same")] * 7)
    reading, found = Reading(None), []
    for written in range(8):
        found += take(reading, log.answer(reading.begin(), written=written), 1000, flush=False)
    assert b"".join(lines.data for lines in found) == log.content


def test_a_clock_set_back_loses_and_repeats_nothing() -> None:
    log = ContainerLog([(FIRST_NS, b"one"), (FIRST_NS - 3600 * SECOND, b"two"), (FIRST_NS - 3599 * SECOND, b"three")])
    reading, found = Reading(None), []
    for written in (2, 3, 3):
        found += take(reading, log.answer(reading.begin(), written=written), 1000, flush=False)
        assert not reading.is_lost
    assert b"".join(lines.data for lines in found) == log.content


def test_what_the_node_says_instead_of_a_log_is_no_output() -> None:
    reading = Reading(None)
    reading.begin()
    said = b"failed to create fsnotify watcher: too many open files"
    found = list(take(reading, stamp(FIRST_NS) + b"one\n" + said, 7, flush=True))
    assert b"".join(lines.data for lines in found) == b"one\n"
    assert reading.complaint == said.decode()


@example(said=b"x" * (3 << 20))
@given(said=st.binary(max_size=60).filter(lambda said: b"\n" not in said))
def test_the_rest_of_a_line_that_began_too_early_is_left_out(said: bytes) -> None:
    reading = Reading(None)
    reading.begin()
    found = list(take(reading, said + b"\n" + stamp(FIRST_NS) + b"one\n", 1 << 18, flush=True))
    assert b"".join(lines.data for lines in found) == b"one\n"
    assert reading.complaint == ""
