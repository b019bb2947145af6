"""Closed files are packed, and whoever reads or writes the log sees no difference, wherever the packing was killed."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.cluster.kubernetes.reading import Reading
from jobs.logs import locks, packing, seekable
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.format import RECORD, index_path, packed_index_name, packed_name, pod_dir
from jobs.logs.frames import FrameCache
from jobs.logs.store import LogBusy, LogSealed, PodLog
from tests.jobs.cluster.kubernetes.container_log import ContainerLog, container_logs
from tests.jobs.logs.model import FIRST_NS, KEY, RELAXED, Written, logs, write
from tests.jobs.logs.test_captured import KILLS, ROOMY, UID, capture

SIZES = st.sampled_from([3, 20, 1 << 20])
TEXT = b"".join(b"line %d\n" % number for number in range(3000))


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    """So that a log of a few bytes has many frames, and all of it is worth it."""
    with (
        mock.patch.object(packing, "WORTH_BYTES", 1),
        mock.patch.object(packing, "INDEX_FRAME", 2 * RECORD.size),
        mock.patch.object(seekable, "FRAME", 7),
    ):
        yield


def directory_of(store: FilesystemLogStore) -> Path:
    return pod_dir(store.root, KEY.job_id, KEY.attempt, KEY.replica)


def told(log: PodLog) -> tuple[object, ...]:
    """All that a log can be asked for."""
    size = log.size()
    data = log.read(0, size + 1)
    assert all(log.read(start, 5) == data[start : start + 5] for start in range(0, size, 3))
    times = [one.time_ns for one in log.segments(0, size) for _ in range(one.start, one.end)]
    lines = [log.line_at(offset) for offset in range(0, size + 1, 3)]
    starts = [log.offset_of_line(number) for number in range(data.count(b"\n") + 2)]
    offsets = [log.offset_of(FIRST_NS + step * 400_000_000) for step in range(-1, 20)]
    return size, data, times, lines, starts, offsets, log.is_complete(), log.timed_size()


@contextmanager
def new_store(size: int) -> Iterator[FilesystemLogStore]:
    with TemporaryDirectory() as directory:
        yield FilesystemLogStore(Path(directory), size)


@settings(RELAXED, max_examples=60)
@given(logs(), SIZES, st.booleans())
def test_a_packed_log_tells_what_it_told_before(writes: list[Written], size: int, sealed: bool) -> None:
    with new_store(size) as store:
        write(store, writes, seal=sealed)
        with closing(store.open(KEY)) as log, closing(store.open(KEY)) as opened_before:
            before = told(log)
            assert packing.pack(directory_of(store))
            assert told(log) == before
            assert told(opened_before) == before
        with closing(store.open(KEY)) as log:
            assert told(log) == before
        left = [path.name for path in directory_of(store).glob("main*.log") if path.stat().st_size]
        assert len(left) <= (not sealed)
        assert (packing.closed_files(directory_of(store)) is not None) == sealed


def test_any_zstd_unpacks_it(tmp_path: Path) -> None:
    store = FilesystemLogStore(tmp_path)
    write(store, [Written(TEXT, FIRST_NS)])
    packing.pack(directory_of(store))
    with (directory_of(store) / packed_name("main", 0)).open("rb") as file:
        assert zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read() == TEXT


class Killed(BaseException):
    pass


def packed_until_killed(directory: Path, steps: int) -> bool:
    """Killed before the step of that number, of those that a crash can come between. False when it was."""
    left = [steps]

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object, **kwargs: object) -> object:
            if not left[0]:
                raise Killed
            left[0] -= 1
            return real(*args, **kwargs)

        return step

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((Path, "replace"), (Path, "unlink"), (os, "fsync"), (zstandard, "frame_content_size")):
            patch.setattr(owner, name, counted(getattr(owner, name)))
        try:
            return packing.pack(directory)
        except Killed:
            return False


@pytest.mark.parametrize("size", [1 << 20, 9])
def test_a_packing_killed_anywhere_leaves_the_log_whole(tmp_path: Path, size: int) -> None:
    writes = [Written(b"one\ntwo\n", FIRST_NS), Written(b"three\n", FIRST_NS + 1), Written(b"four", FIRST_NS + 2)]
    steps, done = 0, False
    while not done:
        store = FilesystemLogStore(tmp_path / str(steps), size)
        write(store, writes)
        with closing(store.open(KEY)) as log:
            before = told(log)
        done = packed_until_killed(directory_of(store), steps)
        with closing(store.open(KEY)) as log:
            assert told(log) == before, steps
        assert packing.pack(directory_of(store))
        with closing(store.open(KEY)) as log:
            assert told(log) == before, steps
        assert not list(directory_of(store).glob("*.log"))
        assert not list(directory_of(store).glob("*" + packing.DRAFT))
        steps += 1
    assert steps > 10


@settings(RELAXED, max_examples=60)
@given(container_logs(), KILLS, SIZES)
def test_a_capture_goes_on_exactly_though_it_is_killed_and_packed(
    log: ContainerLog, kills: list[tuple[float, float, int, int]], size: int
) -> None:
    with new_store(size) as store:
        synced = 0  # of the index: what is packed has its records for good
        for written, broken, chunk, torn in [*sorted(kills), (1.0, 1.0, 9, 0), (1.0, 1.0, 9, 0)]:
            with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
                reading = Reading(writer.position())
                answer = log.answer(reading.begin(), written=round(written * len(log.entries)))
                capture(writer, answer[: round(broken * len(answer))], reading, chunk)
            index = index_path(directory_of(store))
            os.truncate(index, max(synced, index.stat().st_size - torn))
            packing.pack(directory_of(store))
            synced = index.stat().st_size
        with closing(store.open(KEY)) as reader:
            assert reader.read(0, len(log.content) + 1) == log.content


def test_a_packed_log_of_another_pod_goes_on(tmp_path: Path) -> None:
    store = FilesystemLogStore(tmp_path, 10)
    for uid, text in (("first", b"one\ntwo\nthree\n"), ("second", b"four\n")):
        with closing(store.capture_writer(KEY, uid, ROOMY)) as writer:
            writer.append(text, ((0, FIRST_NS),))
            writer.seal()
        assert packing.pack(directory_of(store))
        assert (directory_of(store) / packed_index_name("main")).exists()
    with closing(store.open(KEY)) as log:
        data = log.read(0, 1000)
        assert log.is_complete()
    assert data.startswith(b"one\ntwo\nthree\n[platform] The cluster gave this replica a new pod")
    assert data.endswith(b"\nfour\n")


def test_nothing_is_added_to_a_packed_log_that_has_its_end(tmp_path: Path) -> None:
    store = FilesystemLogStore(tmp_path)
    write(store, [Written(b"one\n", FIRST_NS)])
    packing.pack(directory_of(store))
    with closing(store.writer(KEY)) as writer, pytest.raises(LogSealed):
        writer.append(b"two\n", FIRST_NS)
    with closing(store.open(KEY)) as log:
        assert log.read(0, 9) == b"one\n"


def test_a_log_that_a_capture_has_open_is_left_unpacked_at_its_end(tmp_path: Path) -> None:
    store = FilesystemLogStore(tmp_path)
    with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
        writer.append(b"one\n", ((0, FIRST_NS),))
        writer.seal()
        assert not packing.pack(directory_of(store))
    assert packing.pack(directory_of(store))


def test_a_writer_waits_for_nobody_who_packs_what_is_closed(tmp_path: Path) -> None:
    store = FilesystemLogStore(tmp_path, 100)
    stop = threading.Event()

    def keep_packing() -> None:
        while not stop.is_set():
            packing.pack(directory_of(store))

    with closing(store.writer(KEY)) as writer:
        writer.append(b"line\n", FIRST_NS)
        packer = threading.Thread(target=keep_packing)
        packer.start()
        try:
            with closing(store.open(KEY)) as log:
                for number in range(400):
                    writer.append(b"line %d\n" % number, FIRST_NS + number)
                    assert log.read(0, 5) == b"line\n"
                expected = b"line\n" + b"".join(b"line %d\n" % number for number in range(400))
                assert log.read(0, len(expected) + 1) == expected
        finally:
            stop.set()
            packer.join()


def test_two_never_change_a_closed_log_at_once(tmp_path: Path) -> None:
    store = FilesystemLogStore(tmp_path)
    write(store, [Written(b"one\n", FIRST_NS)])
    with locks.exclusive(directory_of(store)):
        assert not packing.pack(directory_of(store))
        with pytest.raises(LogBusy):
            store.capture_writer(KEY, UID, ROOMY)


class TestDamage:
    @pytest.fixture
    def store(self, tmp_path: Path) -> FilesystemLogStore:
        store = FilesystemLogStore(tmp_path, 15_000)
        with mock.patch.object(seekable, "FRAME", 1000):
            write(store, [Written(TEXT[at : at + 100], FIRST_NS + at) for at in range(0, len(TEXT), 100)])
            assert packing.pack(directory_of(store))
        return store

    def spoil(self, store: FilesystemLogStore, name: str, at: int) -> None:
        path = directory_of(store) / name
        data = bytearray(path.read_bytes())
        data[at] ^= 0x55
        path.write_bytes(data)

    @pytest.mark.parametrize("at", [0, 4, 5, 40, 100, 150])
    def test_a_damaged_frame_is_shown_as_lost_and_the_rest_as_it_was(
        self, store: FilesystemLogStore, at: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.spoil(store, packed_name("main", 0), at)
        with closing(store.open(KEY)) as log, caplog.at_level(logging.ERROR):
            data = log.read(0, len(TEXT) + 1)
            assert len(data) == len(TEXT)
            assert data.startswith(b"\n[platform] 1000 bytes of this log are lost here: their file is damaged.")
            assert data[1000:] == TEXT[1000:]
            assert [(one.start, one.end) for one in log.markers(0, 5000)] == [(1, 1000)]
            assert log.line_at(5000) == TEXT.count(b"\n", 0, 5000)
            assert log.offset_of_line(1000) == TEXT.index(b"line 1000\n")
        assert "is lost" in caplog.text

    @pytest.mark.parametrize("base", [0, 15_000])
    @pytest.mark.parametrize("from_end", [1, 9, 10, 30])
    def test_without_its_table_a_segment_is_shown_as_lost(
        self, store: FilesystemLogStore, base: int, from_end: int
    ) -> None:
        path = directory_of(store) / packed_name("main", base)
        self.spoil(store, path.name, path.stat().st_size - from_end)
        with closing(store.open(KEY)) as log:
            data = log.read(0, len(TEXT) + 1)
        end = min(base + 15_000, len(TEXT))
        assert len(data) == len(TEXT)
        assert data[:base] + data[end:] == TEXT[:base] + TEXT[end:]
        if data[base:end] != TEXT[base:end]:  # the flipped bits may have been in the checksum of one frame
            assert b"bytes of this log are lost here" in data[base:end]

    def test_a_damaged_index_costs_times_alone(self, store: FilesystemLogStore) -> None:
        self.spoil(store, packed_index_name("main"), 200)
        with closing(store.open(KEY)) as log:
            assert log.read(0, len(TEXT) + 1) == TEXT
            assert log.is_complete()
            times = [one.time_ns for one in log.segments(0, len(TEXT)) for _ in range(one.start, one.end)]
            assert len(times) == len(TEXT)
            assert times == sorted(times)
            assert log.offset_of(FIRST_NS + len(TEXT) - 500) == len(TEXT) // 100 * 100 - 400

    def test_an_index_without_its_table_costs_times_alone(self, store: FilesystemLogStore) -> None:
        path = directory_of(store) / packed_index_name("main")
        self.spoil(store, path.name, path.stat().st_size - 1)
        with closing(store.open(KEY)) as log:
            assert log.read(0, len(TEXT) + 1) == TEXT
            assert log.is_complete()


def test_frames_are_kept_within_a_bound() -> None:
    cache = FrameCache(25)
    made = []

    def get(number: int) -> bytes:
        from jobs.logs.frames import Frame

        return cache.get(number, lambda: made.append(number) or Frame(b"x" * 10)).data

    for number in (1, 2, 1, 3, 1, 2):
        assert get(number) == b"x" * 10
    assert made == [1, 2, 3, 2]
