"""The writer of fetched logs: killed at any byte it goes on exactly, and what it kept is never lost or doubled."""

import fcntl
import os
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.cluster.kubernetes.reading import Reading
from jobs.logs import captured
from jobs.logs.captured import GAP
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.format import KIND, MARKER, OUTPUT, RECORD, index_path, log_path, pod_dir
from jobs.logs.store import CaptureWriter, LogBusy, LogSealed
from tests.jobs.cluster.kubernetes.container_log import FIRST_NS, SECOND, ContainerLog, container_logs
from tests.jobs.logs.model import KEY, RELAXED

ROOMY = 1 << 40
UID = "0b5a7c9e-1111"


@pytest.fixture
def store(tmp_path: Path) -> FilesystemLogStore:
    return FilesystemLogStore(tmp_path)


def files(store: FilesystemLogStore) -> tuple[Path, Path]:
    directory = pod_dir(store.root, KEY.job_id, KEY.attempt, KEY.replica)
    return log_path(directory), index_path(directory)


def text(store: FilesystemLogStore) -> bytes:
    return files(store)[0].read_bytes()


def capture(writer: CaptureWriter, answer: bytes, reading: Reading, chunk: int) -> None:
    for start in range(0, len(answer), chunk):
        lines = reading.feed(answer[start : start + chunk])
        if lines.data:
            writer.append(lines.data, lines.times)
        assert not reading.is_lost
    lines = reading.finish()
    if lines.data:
        writer.append(lines.data, lines.times)


KILLS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(1, 90), st.integers(0, 60)), max_size=5)


@RELAXED
@given(container_logs(), KILLS)
def test_a_capture_killed_at_any_byte_goes_on_exactly(
    log: ContainerLog, kills: list[tuple[float, float, int, int]]
) -> None:
    with TemporaryDirectory() as directory:
        store = FilesystemLogStore(Path(directory))
        for written, broken, chunk, torn in [*sorted(kills), (1.0, 1.0, 9, 0), (1.0, 1.0, 9, 0)]:
            with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
                reading = Reading(writer.position())
                answer = log.answer(reading.begin(), written=round(written * len(log.entries)))
                capture(writer, answer[: round(broken * len(answer))], reading, chunk)
            # As after a kill between the write of bytes and that of their records, or in the middle of the latter.
            index = files(store)[1]
            os.truncate(index, max(0, index.stat().st_size - torn))
        assert text(store) == log.content


@RELAXED
@given(container_logs(), st.integers(1, 200))
def test_times_in_the_index_never_go_back(log: ContainerLog, chunk: int) -> None:
    with TemporaryDirectory() as directory:
        store = FilesystemLogStore(Path(directory))
        with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
            reading = Reading(None)
            reading.begin()
            capture(writer, log.answer(None), reading, chunk)
        times = [record[1] for record in RECORD.iter_unpack(files(store)[1].read_bytes())]
        assert times == sorted(times)


@pytest.mark.parametrize("back", [1, 30_000, 400_000_000])
def test_a_time_that_went_back_is_still_known_exactly(store: FilesystemLogStore, back: int) -> None:
    with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
        writer.append(b"one\ntwo\n", ((0, FIRST_NS), (4, FIRST_NS - back)))
    with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
        position = writer.position()
        assert position is not None
        assert (position.time_ns, position.size, position.latest_ns) == (FIRST_NS - back, 4, FIRST_NS)


def test_a_clock_set_back_by_an_hour_is_known_to_the_second(store: FilesystemLogStore) -> None:
    with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
        writer.append(b"one\ntwo\n", ((0, FIRST_NS), (4, FIRST_NS - 3600 * SECOND - 7)))
        position = writer.position()
    assert position is not None
    assert 0 <= position.time_ns - (FIRST_NS - 3600 * SECOND - 7) < SECOND


def test_bytes_without_a_record_are_cut_off(store: FilesystemLogStore) -> None:
    with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
        writer.append(b"one\n", ((0, FIRST_NS),))
    with files(store)[0].open("ab") as file:
        file.write(b"tw")
    with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
        writer.append(b"two\n", ((0, FIRST_NS + 1),))
    assert text(store) == b"one\ntwo\n"


def test_zeros_that_a_crash_left_in_the_index_cost_nothing(store: FilesystemLogStore) -> None:
    with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
        writer.append(b"one\n", ((0, FIRST_NS),))
    with files(store)[1].open("ab") as file:
        file.write(bytes(100))
    with closing(store.capture_writer(KEY, UID, ROOMY)):
        assert text(store) == b"one\n"


def test_two_writers_never_write_one_log(store: FilesystemLogStore) -> None:
    with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
        with pytest.raises(LogBusy):
            store.capture_writer(KEY, UID, ROOMY)
        writer.append(b"one\n", ((0, FIRST_NS),))
    with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
        writer.append(b"two\n", ((0, FIRST_NS),))
    assert text(store) == b"one\ntwo\n"


def test_a_log_that_is_busy_is_left_as_it_is(store: FilesystemLogStore) -> None:
    with closing(store.capture_writer(KEY, UID, ROOMY)):
        files(store)[0].write_bytes(b"half")
        with pytest.raises(LogBusy):
            store.capture_writer(KEY, UID, ROOMY)
        assert text(store) == b"half"


def test_a_full_log_says_so_once_and_takes_no_more(store: FilesystemLogStore) -> None:
    line = b"0123456789\n"
    for _again in range(3):
        with closing(store.capture_writer(KEY, UID, 25)) as writer:
            for number in range(2):
                writer.append(line, ((0, FIRST_NS + number),))
            is_full = writer.is_full
    assert is_full
    said = b"\n[platform] The log reached its limit: 25 bytes are kept, what follows is not.\n"
    assert text(store) == line + line + b"012" + said


def test_a_log_of_just_the_limit_is_whole(store: FilesystemLogStore) -> None:
    with closing(store.capture_writer(KEY, UID, 4)) as writer:
        writer.append(b"one\n", ((0, FIRST_NS),))
        assert not writer.is_full
    assert text(store) == b"one\n"


def test_a_gap_is_a_line_of_its_own_and_not_repeated(store: FilesystemLogStore) -> None:
    with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
        writer.append(b"half", ((0, FIRST_NS),))
        writer.gap()
        writer.gap()
        position = writer.position()
        writer.append(b"two\n", ((0, FIRST_NS + 1),))
    assert text(store) == f"half\n[platform] {GAP}\ntwo\n".encode()
    assert position is not None
    assert (position.time_ns, position.size) == (FIRST_NS, 4)
    kinds = [record[3] & KIND for record in RECORD.iter_unpack(files(store)[1].read_bytes())]
    assert kinds == [OUTPUT, MARKER, OUTPUT]


def test_nothing_is_added_after_the_end(store: FilesystemLogStore) -> None:
    for _again in range(2):
        with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
            writer.seal()
            assert writer.is_sealed
            with pytest.raises(LogSealed):
                writer.append(b"one\n", ((0, FIRST_NS),))
    with closing(store.open(KEY)) as log:
        assert log.is_complete()
        assert log.size() == 0
    assert files(store)[1].stat().st_size == RECORD.size


def test_a_disk_that_is_full_leaves_the_log_as_it_was(
    store: FilesystemLogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
        writer.append(b"one\n", ((0, FIRST_NS),))

        def write_half(fd: int, view: memoryview) -> None:
            os.write(fd, view[: len(view) // 2])
            raise OSError("no space left")

        with monkeypatch.context() as patched:
            patched.setattr(captured, "write_all", write_half)
            with pytest.raises(OSError, match="no space"):
                writer.append(b"two\n", ((0, FIRST_NS + 1),))
        assert text(store) == b"one\n"
        writer.append(b"two\n", ((0, FIRST_NS + 1),))
    assert text(store) == b"one\ntwo\n"


def test_the_lock_goes_with_the_writer(store: FilesystemLogStore) -> None:
    writer = store.capture_writer(KEY, UID, ROOMY)
    with files(store)[1].open() as index:
        with pytest.raises(BlockingIOError):
            fcntl.flock(index, fcntl.LOCK_EX | fcntl.LOCK_NB)
        writer.close()
        fcntl.flock(index, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_replica_s_new_pod_goes_on_in_the_log_of_the_old_one(store: FilesystemLogStore) -> None:
    with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
        writer.append(b"one\n", ((0, FIRST_NS),))
        writer.seal()
    for _again in range(2):
        with closing(store.capture_writer(KEY, "another", ROOMY)) as writer:
            assert not writer.is_sealed
            assert writer.position() is None
    with closing(store.capture_writer(KEY, "another", ROOMY)) as writer:
        writer.append(b"two\n", ((0, FIRST_NS),))
        position = writer.position()
    assert text(store) == f"one\n[platform] {captured.ANEW}\ntwo\n".encode()
    assert position is not None
    assert position.size == 4


@pytest.mark.parametrize("kill", range(3))
def test_a_kill_while_the_pods_change_costs_nothing(store: FilesystemLogStore, kill: int) -> None:
    with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
        writer.append(b"one\n", ((0, FIRST_NS),))
        writer.seal()
    before = [path.read_bytes() for path in files(store)], files(store)[0].with_suffix(".pod").read_bytes()
    store.capture_writer(KEY, "another", ROOMY).close()
    log, index = files(store)
    if kill < 2:
        log.with_suffix(".pod").write_bytes(before[1])
    if kill < 1:
        index.write_bytes(before[0][1][: -RECORD.size])
    with closing(store.capture_writer(KEY, "another", ROOMY)) as writer:
        writer.append(b"two\n", ((0, FIRST_NS),))
    assert text(store) == f"one\n[platform] {captured.ANEW}\ntwo\n".encode()
