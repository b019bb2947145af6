"""After a crash of the machine took or zeroed the ends of files: readers see what is left, and writers go on."""

import os
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.cluster.kubernetes.reading import Reading
from jobs.logs import packing
from jobs.logs.directory import bases_in
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.format import index_path, pod_dir, segment_name
from tests.jobs.cluster.kubernetes.container_log import ContainerLog, container_logs
from tests.jobs.logs.model import FIRST_NS, KEY, RELAXED, Written, logs, write
from tests.jobs.logs.test_captured import ROOMY, UID, capture

SIZES = st.sampled_from([3, 20, 1 << 20])
LOST = st.integers(0, 80)
ZEROED = st.booleans()


def directory_of(store: FilesystemLogStore) -> Path:
    return pod_dir(store.root, KEY.job_id, KEY.attempt, KEY.replica)


def last_segment(store: FilesystemLogStore) -> Path:
    directory = directory_of(store)
    return directory / segment_name("main", bases_in(directory, "main")[-1])


def spoil(path: Path, lost: int, zeroed: bool) -> None:
    """A crash takes the end of a file, or leaves zeros there: from the beginning of a block on, which is on a multiple
    of eight bytes at least."""
    size = path.stat().st_size
    lost = lost + (size - lost) % 8 if zeroed else lost
    os.truncate(path, max(0, size - lost))
    if zeroed:
        os.truncate(path, size)


@settings(RELAXED, max_examples=50)
@given(logs(), SIZES, st.booleans(), LOST, ZEROED, LOST, ZEROED)
def test_what_is_left_is_read_and_the_writer_goes_on(
    writes: list[Written], size: int, sealed: bool, lost: int, zeroed: bool, records: int, records_zeroed: bool
) -> None:
    whole = b"".join(written.data for written in writes)
    with TemporaryDirectory() as directory:
        store = FilesystemLogStore(Path(directory), size)
        write(store, writes, seal=sealed)
        spoil(last_segment(store), lost, zeroed)
        kept = index_path(directory_of(store)).read_bytes()
        spoil(index_path(directory_of(store)), records, records_zeroed)
        intact = index_path(directory_of(store)).read_bytes() == kept  # also where only zeros were zeroed
        with closing(store.open(KEY)) as log:
            left = log.read(0, len(whole) + 1)
            assert whole.startswith(left.rstrip(b"\0")) or left == whole
            assert [one.start for one in log.segments(0, len(left))][:1] == [0] * bool(left)
            assert log.timed_size() <= log.size() == len(left)
        write(store, [Written(b"more\n", FIRST_NS + 10**12)] if not (sealed and intact) else [])
        with closing(store.open(KEY)) as log:
            after = log.read(0, len(left) + 6)
            times = [one.time_ns for one in log.segments(0, log.size()) for _ in range(one.start, one.end)]
            assert after in (left, left + b"more\n")
            assert len(times) == len(after)
            assert times == sorted(times)
            assert log.is_complete()


@settings(RELAXED, max_examples=50)
@given(container_logs(), st.floats(0, 1), st.integers(1, 90), SIZES, st.booleans(), LOST, ZEROED, LOST, ZEROED)
def test_a_capture_fetches_again_what_a_crash_took(
    container: ContainerLog,
    before: float,
    chunk: int,
    size: int,
    packed: bool,
    lost: int,
    zeroed: bool,
    records: int,
    records_zeroed: bool,
) -> None:
    with TemporaryDirectory() as directory:
        store = FilesystemLogStore(Path(directory), size)
        for written in (before, 1.0):
            with closing(store.capture_writer(KEY, UID, ROOMY)) as writer:
                reading = Reading(writer.position())
                answer = container.answer(reading.begin(), written=round(written * len(container.entries)))
                capture(writer, answer, reading, chunk)
            if written == 1.0:
                break
            synced = 0
            if packed:
                packing.pack(directory_of(store))
                synced = index_path(directory_of(store)).stat().st_size
            spoil(last_segment(store), lost, zeroed)
            spoil(index_path(directory_of(store)), 0 if synced else records, records_zeroed)
        with closing(store.open(KEY)) as log:
            assert log.read(0, len(container.content) + 1) == container.content
