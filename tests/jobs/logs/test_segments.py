"""A log of many segments reads as one: bytes, times, lines; however its writers were killed."""

import os
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.cluster.kubernetes.reading import Reading
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.format import base_of, index_path, log_path, packed_name, pod_dir, segment_name
from tests.jobs.cluster.kubernetes.container_log import ContainerLog, container_logs
from tests.jobs.logs.model import FIRST_NS, KEY, RELAXED, SINCE, Written, logs, write
from tests.jobs.logs.test_captured import KILLS, ROOMY, UID, capture

SIZES = st.sampled_from([1, 3, 7, 20, 1 << 20])


def directory_of(store: FilesystemLogStore) -> Path:
    return pod_dir(store.root, KEY.job_id, KEY.attempt, KEY.replica)


def bases(store: FilesystemLogStore) -> list[int]:
    found = (base_of(KEY.container, path.name) for path in directory_of(store).iterdir())
    return sorted(base for base in found if base is not None)


@given(st.integers(0, 10**20 - 1))
def test_a_segments_name_says_where_it_begins(base: int) -> None:
    assert base_of("main", segment_name("main", base)) == base
    assert base_of("main", packed_name("main", base)) == base


@pytest.mark.parametrize("name", ["main.idx", "main.idx.zst", "main.pod", "main.5.log", "main.zst", "side.log", "main"])
def test_other_files_are_no_segments(name: str) -> None:
    assert base_of("main", name) is None


@settings(RELAXED, max_examples=60)
@given(logs(), SIZES, SINCE)
def test_segments_read_as_one_log(writes: list[Written], size: int, time_ns: int) -> None:
    data = b"".join(written.data for written in writes)
    times = [written.time_ns for written in writes for _ in written.data]
    starts = [0] + [at + 1 for at, byte in enumerate(data) if byte == ord("\n")]
    with TemporaryDirectory() as directory:
        store = FilesystemLogStore(Path(directory), size)
        write(store, writes)
        assert all(later - base >= size for base, later in zip(bases(store), bases(store)[1:], strict=False))
        with closing(store.open(KEY)) as log:
            assert log.size() == log.timed_size() == len(data)
            for start in range(len(data) + 1):
                assert log.read(start, len(data)) == data[start:]
                assert log.line_at(start) == data.count(b"\n", 0, start)
            assert [one.time_ns for one in log.segments(0, len(data)) for _ in range(one.start, one.end)] == times
            assert log.offset_of(time_ns) == sum(one < time_ns for one in times)
            assert [log.offset_of_line(number) for number in range(len(starts))] == starts


@settings(RELAXED, max_examples=60)
@given(logs(), SIZES)
def test_a_reader_that_stays_open_goes_on_into_each_new_segment(writes: list[Written], size: int) -> None:
    with TemporaryDirectory() as directory:
        store = FilesystemLogStore(Path(directory), size)
        with closing(store.writer(KEY)) as writer, closing(store.open(KEY)) as log:
            read = b""
            for written in writes:
                writer.append(written.data, written.time_ns)
                read += log.read(len(read), 1 << 20)
                assert log.timed_size() == log.size() == len(read)
        assert read == b"".join(written.data for written in writes)


@settings(RELAXED, max_examples=60)
@given(container_logs(), KILLS, SIZES)
def test_a_capture_killed_at_any_byte_goes_on_exactly_in_segments_too(
    log: ContainerLog, kills: list[tuple[float, float, int, int]], size: int
) -> None:
    with TemporaryDirectory() as directory:
        store = FilesystemLogStore(Path(directory), size)
        for written, broken, chunk, torn in [*sorted(kills), (1.0, 1.0, 9, 0), (1.0, 1.0, 9, 0)]:
            with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
                reading = Reading(writer.position())
                answer = log.answer(reading.begin(), written=round(written * len(log.entries)))
                capture(writer, answer[: round(broken * len(answer))], reading, chunk)
            index = index_path(directory_of(store))
            os.truncate(index, max(0, index.stat().st_size - torn))
        with closing(store.open(KEY)) as reader:
            assert reader.read(0, len(log.content) + 1) == log.content


def test_the_end_of_a_segment_that_a_crash_took_is_shown_as_lost(tmp_path: Path) -> None:
    store = FilesystemLogStore(tmp_path, 200)
    write(store, [Written(b"x" * 199 + b"\n", FIRST_NS), Written(b"more\n", FIRST_NS + 1)])
    os.truncate(log_path(directory_of(store)), 40)
    with closing(store.open(KEY)) as log:
        data = log.read(0, 1000)
        assert log.size() == len(data) == 205
        assert data.startswith(b"x" * 40 + b"\n[platform] 160 bytes of this log are lost here: ")
        assert data.endswith(b"\nmore\n")
        assert log.read(100, 105) == data[100:]
        assert [(one.start, one.end) for one in log.markers(0, 205)] == [(41, 200)]


def test_a_log_whose_first_segment_is_gone_still_tells_what_follows(tmp_path: Path) -> None:
    store = FilesystemLogStore(tmp_path, 200)
    write(store, [Written(b"x" * 200, FIRST_NS), Written(b"more\n", FIRST_NS + 1)])
    with closing(store.open(KEY)) as log:
        log_path(directory_of(store)).unlink()
        assert log.read(0, 1000).startswith(b"\n[platform] 200 bytes of this log are lost here")
        assert log.read(200, 5) == b"more\n"
