"""The store keeps bytes exactly, times by offset and offsets by time, and survives a writer that died."""

import os
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.format import END, MARKER, RECORD, index_path, log_path, pod_dir
from jobs.logs.store import LogNotFound, LogSealed, Segment
from tests.jobs.logs.model import FIRST_NS, KEY, RELAXED, SINCE, Written, logs, write


@pytest.fixture
def store(tmp_path: Path) -> FilesystemLogStore:
    return FilesystemLogStore(tmp_path)


def files(store: FilesystemLogStore) -> tuple[Path, Path]:
    directory = pod_dir(store.root, KEY.job_id, KEY.attempt, KEY.replica)
    return log_path(directory), index_path(directory)


@RELAXED
@given(logs(), SINCE)
def test_every_byte_has_its_time_and_every_time_its_offset(writes: list[Written], time_ns: int) -> None:
    data = b"".join(written.data for written in writes)
    times = [written.time_ns for written in writes for _ in written.data]
    with TemporaryDirectory() as directory:
        store = FilesystemLogStore(Path(directory))
        write(store, writes)
        with closing(store.open(KEY)) as log:
            assert log.read(0, len(data) + 1) == data
            assert log.is_complete()
            assert log.timed_size() == len(data)
            for start in range(len(data) + 1):
                found = [one.time_ns for one in log.segments(start, len(data)) for _ in range(one.start, one.end)]
                assert found == times[start:]
            assert log.offset_of(time_ns) == sum(one < time_ns for one in times)


@RELAXED
@given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_a_reader_that_stays_open_sees_what_is_added(sizes: list[int]) -> None:
    with TemporaryDirectory() as directory:
        store = FilesystemLogStore(Path(directory))
        with closing(store.writer(KEY)) as writer, closing(store.open(KEY)) as log:
            offset = 0
            for number, size in enumerate(sizes):
                writer.append(b"x" * size, FIRST_NS + number)
                expected = [Segment(offset, offset + size, FIRST_NS + number)] if size else []
                assert list(log.segments(offset, log.size())) == expected
                assert not log.is_complete()
                offset += size


def test_a_pod_that_wrote_nothing_has_no_log(store: FilesystemLogStore) -> None:
    with pytest.raises(LogNotFound):
        store.open(KEY)


def test_a_torn_record_is_cut_off_and_the_log_goes_on(store: FilesystemLogStore) -> None:
    write(store, [Written(b"one\n", FIRST_NS)], seal=False)
    log, index = files(store)
    with index.open("ab") as file:
        file.write(b"\x07" * 11)
    with log.open("ab") as file:
        file.write(b"late\n")
    write(store, [Written(b"two\n", FIRST_NS + 9)])
    with closing(store.open(KEY)) as reader:
        assert reader.read(0, 99) == b"one\nlate\ntwo\n"
        assert list(reader.segments(0, 13)) == [Segment(0, 9, FIRST_NS), Segment(9, 13, FIRST_NS + 9)]
        assert reader.is_complete()
    assert index.stat().st_size == 3 * RECORD.size


def test_records_of_bytes_that_a_crash_took_are_cut_off(store: FilesystemLogStore) -> None:
    write(
        store,
        [Written(b"one\n", FIRST_NS), Written(b"two\n", FIRST_NS + 1), Written(b"three\n", FIRST_NS + 2)],
        seal=False,
    )
    os.truncate(files(store)[0], 6)
    write(store, [Written(b"more\n", FIRST_NS + 3)])
    with closing(store.open(KEY)) as reader:
        assert reader.read(0, 99) == b"one\ntwmore\n"
        assert list(reader.segments(0, 11)) == [
            Segment(0, 4, FIRST_NS),
            Segment(4, 6, FIRST_NS + 1),
            Segment(6, 11, FIRST_NS + 3),
        ]


def test_a_clock_set_back_does_not_turn_the_order_of_times(store: FilesystemLogStore) -> None:
    write(store, [Written(b"one\n", FIRST_NS), Written(b"two\n", FIRST_NS - 10**9)])
    with closing(store.open(KEY)) as reader:
        assert [one.time_ns for one in reader.segments(0, 8)] == [FIRST_NS, FIRST_NS]


def test_nothing_is_added_to_a_sealed_log(store: FilesystemLogStore) -> None:
    write(store, [Written(b"one\n", FIRST_NS)])
    with closing(store.writer(KEY)) as writer, pytest.raises(LogSealed):
        writer.append(b"two\n", FIRST_NS)


def test_sealing_again_has_no_effect(store: FilesystemLogStore) -> None:
    write(store, [Written(b"one\n", FIRST_NS)])
    before = files(store)[1].read_bytes()
    write(store, [], seal=True)
    assert files(store)[1].read_bytes() == before
    assert RECORD.unpack(before[-RECORD.size :])[3] == END


def test_a_marker_is_kept_as_one(store: FilesystemLogStore) -> None:
    with closing(store.writer(KEY)) as writer:
        writer.append(b"[gap]\n", FIRST_NS, MARKER)
    assert RECORD.unpack(files(store)[1].read_bytes())[3] == MARKER


def test_a_removed_job_has_no_logs(store: FilesystemLogStore) -> None:
    write(store, [Written(b"one\n", FIRST_NS)])
    store.remove_job(KEY.job_id)
    store.remove_job(KEY.job_id)
    with pytest.raises(LogNotFound):
        store.open(KEY)
