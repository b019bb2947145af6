"""The packer's process goes through what writers noted, and once a day through all there is."""

import os
import sys
import time
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest

from jobs.logs import locks, packer, packer_process, packing, worklist
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.format import packed_name, pod_dir
from jobs.logs.store import LogKey
from tests.jobs.logs.model import FIRST_NS, KEY, Written, write

NAME = "job-0000000000000000-1-0"
LARGE = b"epoch 12 step 3456 loss 0.123456\n" * 4000


def never() -> bool:
    return False


@pytest.fixture
def store(tmp_path: Path) -> FilesystemLogStore:
    store = FilesystemLogStore(tmp_path)
    write(store, [Written(LARGE, FIRST_NS)])
    return store


def packed(store: FilesystemLogStore, key: LogKey = KEY) -> bool:
    return (pod_dir(store.root, key.job_id, key.attempt, key.replica) / packed_name("main", 0)).exists()


def test_a_log_that_was_sealed_is_packed_and_handed_on(store: FilesystemLogStore) -> None:
    assert worklist.names(store.root) == [NAME]
    packer.run(store.root, never)
    assert packed(store)
    assert worklist.names(store.root) == []
    assert worklist.names(store.root, worklist.PACKED) == [NAME]
    assert not packer.is_needed(store.root)
    with closing(store.open(KEY)) as log:
        assert log.read(0, len(LARGE) + 1) == LARGE


def test_what_was_not_done_in_time_is_left_on_the_list(store: FilesystemLogStore) -> None:
    asked = iter([False, True])
    packer.run(store.root, lambda: next(asked))
    assert not packed(store)
    assert worklist.names(store.root) == [NAME]
    packer.run(store.root, never)
    assert packed(store)


def test_what_was_taken_by_a_packer_that_was_killed_is_done_by_the_next(store: FilesystemLogStore) -> None:
    worklist.take(store.root, NAME)
    packer.run(store.root, never)
    assert packed(store)


def test_what_is_added_while_it_is_packed_stays_on_the_list(store: FilesystemLogStore) -> None:
    real = packing.pack

    def pack(directory: Path, **kwargs: object) -> bool:
        worklist.add(directory)
        return real(directory)

    with mock.patch.object(packing, "pack", pack):
        packer.run(store.root, never)
    assert worklist.names(store.root) == [NAME]


def test_names_that_were_lost_are_found_within_a_day(store: FilesystemLogStore) -> None:
    packer.run(store.root, never)
    other = LogKey("job-0000000000000001", 1, 0)
    with closing(store.writer(other)) as writer:
        writer.append(LARGE, FIRST_NS)
        writer.seal(FIRST_NS)
    (store.root / worklist.CLOSED / f"{other.job_id}-1-0").unlink()
    packer.run(store.root, never)
    assert not packed(store, other)
    yesterday = time.time() - 90_000
    os.utime(store.root / worklist.CLOSED / packer.LOOKED, (yesterday, yesterday))
    assert packer.is_needed(store.root)
    packer.run(store.root, never)
    assert packed(store, other)


def test_one_log_that_cannot_be_packed_keeps_no_other_from_it(
    store: FilesystemLogStore, caplog: pytest.LogCaptureFixture
) -> None:
    (store.root / worklist.CLOSED / "job-0000000000000000-0-0").touch()  # no pod's name
    worklist.put(store.root, "job-00000000000000ab-1-0")  # deleted
    broken = LogKey("job-0000000000000000", 1, 7)
    write_broken(store, broken)
    packer.run(store.root, never)
    assert packed(store)
    assert worklist.names(store.root) == []
    assert "job-0000000000000000-1-7 could not be packed" in caplog.text


def write_broken(store: FilesystemLogStore, key: LogKey) -> None:
    with closing(store.writer(key)) as writer:
        writer.append(LARGE, FIRST_NS)
        writer.seal(FIRST_NS)
    directory = pod_dir(store.root, key.job_id, key.attempt, key.replica)
    (directory / (packed_name("main", 0) + packing.DRAFT) / "in the way").mkdir(parents=True)


def test_a_small_log_stays_as_it_is_and_is_handed_on(tmp_path: Path) -> None:
    store = FilesystemLogStore(tmp_path)
    write(store, [Written(b"one\n", FIRST_NS)])
    packer.run(tmp_path, never)
    assert not packed(store)
    directory = pod_dir(tmp_path, KEY.job_id, KEY.attempt, KEY.replica)
    assert [path.name for path in packing.closed_files(directory) or []] == ["main.idx", "main.log"]
    assert worklist.names(tmp_path, worklist.PACKED) == [NAME]


def test_one_packer_at_a_time(store: FilesystemLogStore) -> None:
    with locks.exclusive(store.root / worklist.CLOSED):
        packer.run(store.root, never)
    assert not packed(store)


def test_a_process_of_its_own_does_it(store: FilesystemLogStore) -> None:
    process = packer_process.start(store.root)
    assert process.wait(60) == 0
    assert packed(store)


def test_the_process_is_small() -> None:
    """It comes and goes while jobs run."""
    code = "import sys; import jobs.logs.packer; print(*sys.modules)"
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"django.apps", "celery", "channels", "rest_framework"} & set(done.stdout.split())
