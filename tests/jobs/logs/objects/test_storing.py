"""A log on its way into the bucket, interrupted wherever it may be, and read from there."""

from pathlib import Path
from typing import Any

import pytest

from jobs.exceptions import LogsAway
from jobs.logs.objects import manifest
from jobs.logs.objects.bucket import Bucket
from jobs.logs.objects.shelf import StoredShelf
from jobs.logs.objects.storing import store
from jobs_platform.object_storage import ObjectStorage

LOG = b"".join(b"line %d\n" % number for number in range(200_000))


@pytest.fixture
def files(directory: Path) -> list[Path]:
    paths = [directory / "main.idx", directory / "main.log"]
    paths[0].write_bytes(b"index" * 100)
    paths[1].write_bytes(LOG)
    return paths


def free(directory: Path, files: list[Path]) -> None:
    manifest.stored_path(directory, "main").rename(manifest.away_path(directory, "main"))
    for file in files:
        file.unlink()


def keys(bucket: Bucket) -> list[str]:
    return sorted(key.rpartition("/")[2] for key in bucket.keys(""))


def test_all_files_and_the_manifest_are_in_the_bucket_afterwards(
    bucket: Bucket, directory: Path, files: list[Path]
) -> None:
    done = store(bucket, directory, "main", files)
    assert done.stored_ns
    assert keys(bucket) == ["main.away", "main.idx", "main.log"]
    key = manifest.object_key(directory, "main.away")
    assert manifest.parse(b"".join(bucket.chunks(key))) == done == manifest.load(directory / "main.stored")


def test_what_is_about_to_be_sent_is_noted_before_it_is(
    away: ObjectStorage, directory: Path, files: list[Path]
) -> None:
    with pytest.raises(LogsAway):
        store(Bucket(away), directory, "main", files)
    noted = manifest.load(directory / "main.stored")
    assert noted
    assert [file.name for file in noted.files] == ["main.idx", "main.log"]
    assert not noted.stored_ns


class Interrupted(Bucket):
    """Ends after so many objects were put, as a process that is killed."""

    def __init__(self, bucket: Bucket, puts: int) -> None:
        super().__init__(bucket.where)
        self.puts = puts

    def put(self, key: str, content: Path | bytes) -> None:
        if not self.puts:
            raise KeyboardInterrupt
        self.puts -= 1
        super().put(key, content)


@pytest.mark.parametrize("puts", [0, 1, 2])
def test_it_goes_on_where_it_was_interrupted(puts: int, bucket: Bucket, directory: Path, files: list[Path]) -> None:
    with pytest.raises(KeyboardInterrupt):
        store(Interrupted(bucket, puts), directory, "main", files)
    rest = Interrupted(bucket, 3 - puts)
    assert store(rest, directory, "main", files).stored_ns
    assert rest.puts == 0
    assert keys(bucket) == ["main.away", "main.idx", "main.log"]


def test_a_log_that_went_on_meanwhile_is_sent_again(bucket: Bucket, directory: Path, files: list[Path]) -> None:
    store(bucket, directory, "main", files)
    files[1].write_bytes(LOG + b"more\n")
    store(bucket, directory, "main", files)
    assert b"".join(bucket.chunks(manifest.object_key(directory, "main.log"))) == LOG + b"more\n"


def test_a_freed_log_is_read_from_the_bucket_by_blocks(
    bucket: Bucket, directory: Path, files: list[Path], configured: ObjectStorage
) -> None:
    store(bucket, directory, "main", files)
    free(directory, files)
    shelf = StoredShelf(directory, "main")
    assert shelf.names() == ["main.idx", "main.log"]
    blob = shelf.open("main.log")
    assert blob.size() == len(LOG)
    for offset, size in ((0, 10), (524_280, 20), (len(LOG) - 5, 100), (len(LOG), 10), (0, len(LOG))):
        assert blob.read(offset, size) == LOG[offset : offset + size]
    with pytest.raises(FileNotFoundError):
        shelf.open("main.other")


def test_a_log_on_the_disk_asks_the_bucket_nothing(
    directory: Path, files: list[Path], away: ObjectStorage, settings: Any
) -> None:
    settings.LOG_OBJECTS = away
    shelf = StoredShelf(directory, "main")
    assert shelf.names() == ["main.idx", "main.log"]
    assert shelf.open("main.log").read(0, 6) == b"line 0"


def test_a_file_that_goes_away_between_two_looks_is_read_from_the_bucket(
    bucket: Bucket, directory: Path, files: list[Path], configured: ObjectStorage
) -> None:
    store(bucket, directory, "main", files)
    shelf = StoredShelf(directory, "main")
    names = [name for name in shelf.names() if name != "main.stored"]
    early = shelf.open("main.idx")
    free(directory, files)
    assert early.read(0, 5) == b"index"
    assert [shelf.open(name).read(0, 5) for name in names] == [b"index", b"line "]


@pytest.mark.parametrize("lost", ["object", "bucket", "setting"])
def test_a_log_that_cannot_be_had_says_so(
    lost: str,
    bucket: Bucket,
    directory: Path,
    files: list[Path],
    configured: ObjectStorage,
    away: ObjectStorage,
    settings: Any,
) -> None:
    store(bucket, directory, "main", files)
    free(directory, files)
    if lost == "object":
        bucket.remove(manifest.object_key(directory, "main.log"))
    else:
        settings.LOG_OBJECTS = away if lost == "bucket" else None
    with pytest.raises(LogsAway):
        StoredShelf(directory, "main").open("main.log").read(0, 10)


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"files": [], "version": 2}', b'{"files": [{"name": "../x"}]}'])
def test_a_damaged_note_is_told_of(damage: bytes, directory: Path) -> None:
    (directory / "main.away").write_bytes(damage)
    with pytest.raises(LogsAway):
        StoredShelf(directory, "main").names()
