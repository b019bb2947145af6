"""From a closed log on the disk to one in the bucket and back, with an end at any point in between."""

import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from jobs.identifiers import new_job_id, pod_name
from jobs.logs import durable, packer_process, packing, worklist
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.objects import keeping, notes
from jobs.logs.objects.bucket import Bucket
from jobs.logs.store import LogKey, LogNotFound
from jobs_platform.object_storage import ObjectStorage

SEGMENT = 256 << 10
CHANCE = random.Random(20251124)
LINES = [b"step %d of many, loss %.15f\n" % (number, CHANCE.random()) for number in range(20_000)]
LOG = b"".join(LINES)
BEGAN = 1_700_000_000_000_000_000


@pytest.fixture
def store(tmp_path: Path, configured: ObjectStorage, settings: Any) -> FilesystemLogStore:
    settings.LOG_LOCAL_KEEP_SECONDS = 0
    return FilesystemLogStore(tmp_path / "logs", SEGMENT)


@pytest.fixture
def key() -> LogKey:
    return LogKey(new_job_id(), 1, 0)


def write(store: FilesystemLogStore, key: LogKey, *, upto: int = len(LINES)) -> None:
    with closing(store.writer(key)) as writer:
        for number in range(0, upto, 1000):
            writer.append(b"".join(LINES[number : min(number + 1000, upto)]), BEGAN + number)
        writer.seal(BEGAN + upto)
    close(store, key)


def close(store: FilesystemLogStore, key: LogKey) -> None:
    """As the process does that packs."""
    name = pod_name(key.job_id, key.attempt, key.replica)
    assert packing.pack(directory_of(store, key))
    worklist.put(store.root, name, worklist.PACKED)


def directory_of(store: FilesystemLogStore, key: LogKey) -> Path:
    return store.root / key.job_id / str(key.attempt) / str(key.replica)


def keep(store: FilesystemLogStore) -> None:
    keeping.keep(store.root, time.monotonic() + 60)


def content(store: FilesystemLogStore, key: LogKey) -> bytes:
    with closing(store.open(key)) as log:
        assert log.is_complete()
        return log.read(0, log.size())


def on_disk(store: FilesystemLogStore, key: LogKey) -> list[str]:
    return sorted(path.name for path in directory_of(store, key).iterdir())


def test_a_log_goes_to_the_bucket_and_reads_the_same_from_there(store: FilesystemLogStore, key: LogKey) -> None:
    write(store, key)
    with closing(store.open(key)) as early:
        keep(store)
        assert on_disk(store, key) == ["main.away"]
        with closing(store.open(key)) as log:
            assert log.is_complete()
            assert log.size() == log.timed_size() == len(LOG)
            assert log.read(0, len(LOG)) == LOG
            offset = log.offset_of(BEGAN + 12_000)
            assert log.read(offset, 100).startswith(LINES[12_000])
            assert log.line_at(offset) == 12_000
            assert log.offset_of_line(12_000) == offset
        assert early.read(0, len(LOG)) == LOG  # opened before, and read through after the files were gone


def test_nothing_is_left_to_do_afterwards(store: FilesystemLogStore, key: LogKey, bucket: Bucket) -> None:
    write(store, key)
    keep(store)
    assert not keeping.is_needed(store.root)
    kept = sorted(bucket.keys(""))
    keep(store)
    assert sorted(bucket.keys("")) == kept


def test_it_stays_on_the_disk_too_until_it_is_due(store: FilesystemLogStore, key: LogKey, settings: Any) -> None:
    settings.LOG_LOCAL_KEEP_SECONDS = 3600
    write(store, key)
    before = on_disk(store, key)
    keep(store)
    assert on_disk(store, key) == sorted([*before, "main.stored"])
    settings.LOG_LOCAL_KEEP_SECONDS = 0
    keep(store)
    assert on_disk(store, key) == ["main.away"]


def test_a_log_from_before_there_was_a_bucket_is_found(
    store: FilesystemLogStore, key: LogKey, settings: Any, configured: ObjectStorage
) -> None:
    settings.LOG_OBJECTS = None
    write(store, key)
    worklist.clear(store.root, worklist.PACKED)
    assert not keeping.is_needed(store.root)
    settings.LOG_OBJECTS = configured
    assert keeping.is_needed(store.root)
    keep(store)
    assert on_disk(store, key) == ["main.away"]
    assert not keeping.is_needed(store.root)


def test_a_log_that_is_being_written_stays_out_of_it(store: FilesystemLogStore, key: LogKey, bucket: Bucket) -> None:
    with closing(store.writer(key)) as writer:
        writer.append(LOG, BEGAN)
        worklist.put(store.root, pod_name(key.job_id, 1, 0), worklist.PACKED)
        keep(store)
        assert list(bucket.keys("")) == []
        writer.seal(BEGAN)
    close(store, key)
    keep(store)
    assert on_disk(store, key) == ["main.away"]


def test_a_small_log_is_copied_and_stays(store: FilesystemLogStore, key: LogKey, bucket: Bucket) -> None:
    write(store, key, upto=10)
    keep(store)
    keep(store)
    assert on_disk(store, key) == ["main.idx", "main.log", "main.stored"]
    assert len(list(bucket.keys(key.job_id))) == 3


def test_an_object_that_is_not_what_was_sent_is_sent_again_before_anything_is_freed(
    store: FilesystemLogStore, key: LogKey, bucket: Bucket, settings: Any
) -> None:
    settings.LOG_LOCAL_KEEP_SECONDS = 3600
    write(store, key)
    keep(store)
    damaged = next(name for name in bucket.keys(key.job_id) if name.endswith("0.zst"))
    bucket.put(damaged, bytes(bucket.size(damaged)))
    settings.LOG_LOCAL_KEEP_SECONDS = 0
    keep(store)
    assert "main.away" not in on_disk(store, key)
    keep(store)
    assert on_disk(store, key) == ["main.away"]
    assert content(store, key) == LOG


def test_a_bucket_that_is_away_leaves_everything_where_it_is(
    store: FilesystemLogStore, key: LogKey, settings: Any, configured: ObjectStorage, away: ObjectStorage
) -> None:
    settings.LOG_OBJECTS = away
    write(store, key)
    keep(store)
    assert content(store, key) == LOG
    settings.LOG_OBJECTS = configured
    keep(store)
    assert on_disk(store, key) == ["main.away"]
    assert content(store, key) == LOG


def test_one_log_that_cannot_be_stored_does_not_keep_the_others(store: FilesystemLogStore, key: LogKey) -> None:
    bad = LogKey("job-" + "0" * 16, 1, 0)
    write(store, bad)
    write(store, key)
    (directory_of(store, bad) / "main.stored").mkdir()
    keep(store)
    assert on_disk(store, key) == ["main.away"]
    assert content(store, bad) == LOG


def test_a_writer_goes_on_with_a_log_that_was_away(store: FilesystemLogStore, key: LogKey) -> None:
    write(store, key)
    keep(store)
    with closing(store.capture_writer(key, "another-pod", 1 << 30)) as writer:
        writer.append(b"and on it goes\n", [(0, BEGAN + 100_000)])
        writer.seal()
    whole = content(store, key)
    assert whole.startswith(LOG)
    assert whole.endswith(b"and on it goes\n")
    close(store, key)
    keep(store)
    assert "main.away" in on_disk(store, key)
    assert content(store, key) == whole


@pytest.mark.parametrize("upto", [10, len(LINES)])
def test_after_the_disk_is_lost_the_note_from_the_bucket_is_enough(
    upto: int, store: FilesystemLogStore, key: LogKey, bucket: Bucket
) -> None:
    write(store, key, upto=upto)
    keep(store)
    shutil.rmtree(store.root)
    for name in bucket.keys(key.job_id):
        if name.endswith(".away"):
            directory_of(store, key).mkdir(parents=True)
            (store.root / name).write_bytes(b"".join(bucket.chunks(name)))
    assert on_disk(store, key) == ["main.away"]
    assert content(store, key) == b"".join(LINES[:upto])


def test_a_deleted_job_leaves_nothing_in_the_bucket(store: FilesystemLogStore, key: LogKey, bucket: Bucket) -> None:
    other = LogKey(new_job_id(), 1, 0)
    for each in (key, LogKey(key.job_id, 2, 13), other):
        write(store, each)
    keep(store)
    store.remove_job(key.job_id)
    with pytest.raises(LogNotFound):
        store.open(key)
    keep(store)
    assert {name.partition("/")[0] for name in bucket.keys("")} == {other.job_id}
    assert notes.removed(store.root) == []


def test_a_removal_waits_for_the_bucket(
    store: FilesystemLogStore,
    key: LogKey,
    bucket: Bucket,
    settings: Any,
    configured: ObjectStorage,
    away: ObjectStorage,
) -> None:
    write(store, key)
    keep(store)
    settings.LOG_OBJECTS = None
    store.remove_job(key.job_id)
    settings.LOG_OBJECTS = away
    keep(store)
    settings.LOG_OBJECTS = configured
    keep(store)
    assert list(bucket.keys("")) == []
    assert notes.removed(store.root) == []


def test_a_process_of_its_own_does_it(
    store: FilesystemLogStore, key: LogKey, configured: ObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("URL", f"s3://{configured.bucket}/{configured.prefix}"),
        ("ENDPOINT", configured.endpoint),
        ("ACCESS_KEY_ID", configured.access_key_id),
        ("SECRET_ACCESS_KEY", configured.secret_access_key),
    ):
        monkeypatch.setenv(f"LOG_OBJECT_{name}", value)
    monkeypatch.setenv("LOG_LOCAL_KEEP_SECONDS", "0")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "jobs_platform.settings")
    write(store, key)
    assert packer_process.start(store.root).wait(60) == 0
    assert on_disk(store, key) == ["main.away"]
    assert content(store, key) == LOG


class Killed(BaseException):
    pass


@contextmanager
def killed_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Before the next of what changes anything, here or in the bucket, once so many steps were done."""
    left = [steps]

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*args: Any, **kwargs: Any) -> Any:
            if not left[0]:
                raise Killed
            left[0] -= 1
            return change(*args, **kwargs)

        return changed

    with monkeypatch.context() as patch:
        for owner, name in (
            (Bucket, "put"),
            (Bucket, "remove"),
            (durable, "rename"),
            (Path, "unlink"),
            (Path, "touch"),
            (Path, "rename"),
        ):
            patch.setattr(owner, name, counted(getattr(owner, name)))
        yield


def test_killed_at_any_point_it_goes_on_and_every_reader_sees_all_of_it(
    store: FilesystemLogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    was_killed, steps = True, 0
    while was_killed:
        key = LogKey(new_job_id(), 1, 0)
        write(store, key)
        was_killed = False
        with killed_after(steps, monkeypatch):
            try:
                keep(store)
            except Killed:
                was_killed = True
        assert content(store, key) == LOG, steps
        keep(store)
        assert on_disk(store, key) == ["main.away"], steps
        assert content(store, key) == LOG, steps
        steps += 1
    assert steps > 12


def test_a_removal_killed_at_any_point_is_not_forgotten(
    store: FilesystemLogStore, key: LogKey, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, key)
    for steps in range(100):
        with killed_after(steps, monkeypatch):
            try:
                keep(store)
                store.remove_job(key.job_id)
                keep(store)
                break
            except Killed:
                continue
    assert steps > 5
    assert list(bucket.keys("")) == []
    assert not (store.root / key.job_id).exists()
