"""Of a deleted job nothing is left in the bucket, whatever happens in between."""

from pathlib import Path
from typing import Any

import pytest

from jobs.exceptions import LogsAway
from jobs.identifiers import new_job_id
from jobs.logs import storage
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.objects import notes
from jobs.logs.objects.bucket import Bucket
from jobs.logs.objects.removal import remove_noted
from jobs_platform.object_storage import ObjectStorage


@pytest.fixture
def root(tmp_path: Path, settings: Any) -> Path:
    settings.LOG_DIR, settings.WORK_DIR = tmp_path / "logs", tmp_path / "work"
    return tmp_path / "logs"


def job_with_log(root: Path, name: str = "main.log") -> str:
    job_id = new_job_id()
    (root / job_id / "1" / "0").mkdir(parents=True)
    (root / job_id / "1" / "0" / name).write_bytes(b"{}")
    return job_id


@pytest.mark.parametrize("remove", [storage.remove_job, lambda job_id: store().remove_job(job_id)])
def test_it_is_noted_before_the_directory_goes(remove: Any, root: Path, configured: ObjectStorage) -> None:
    job_id = job_with_log(root)
    remove(job_id)
    assert not (root / job_id).exists()
    assert [entry.name for entry in notes.removed(root)] == [job_id]


def store() -> FilesystemLogStore:
    from django.conf import settings

    return FilesystemLogStore(settings.LOG_DIR)


@pytest.mark.parametrize(("name", "is_noted"), [("main.log", False), ("main.stored", True), ("main.away", True)])
def test_without_a_bucket_only_what_was_stored_once_is_noted(
    name: str, is_noted: bool, root: Path, settings: Any
) -> None:
    settings.LOG_OBJECTS = None
    storage.remove_job(job_with_log(root, name))
    assert bool(notes.removed(root)) == is_noted


def test_all_objects_of_the_job_go_and_no_other(root: Path, bucket: Bucket) -> None:
    job_id, other = new_job_id(), new_job_id()
    for key in (f"{job_id}/1/0/main.log", f"{job_id}/12/3/main.away", f"{other}/1/0/main.log"):
        bucket.put(key, b"x")
    notes.note_removed(root, job_id)
    remove_noted(bucket, root, job_id)
    assert list(bucket.keys("")) == [f"{other}/1/0/main.log"]
    assert notes.removed(root) == []


def test_the_note_stays_while_the_directory_does(root: Path, bucket: Bucket) -> None:
    """A log of it may be on its way to the bucket just now."""
    job_id = job_with_log(root)
    notes.note_removed(root, job_id)
    remove_noted(bucket, root, job_id)
    assert [entry.name for entry in notes.removed(root)] == [job_id]


def test_the_note_stays_while_the_bucket_does_not_answer(root: Path, away: ObjectStorage) -> None:
    job_id = new_job_id()
    notes.note_removed(root, job_id)
    with pytest.raises(LogsAway):
        remove_noted(Bucket(away), root, job_id)
    assert [entry.name for entry in notes.removed(root)] == [job_id]


@pytest.mark.parametrize("name", ["", ".", "..", "job-", "other/job"])
def test_a_note_that_names_no_job_removes_nothing(name: str, root: Path, bucket: Bucket) -> None:
    bucket.put("job-1/main.log", b"x")
    with pytest.raises(ValueError):
        remove_noted(bucket, root, name)
    assert list(bucket.keys("")) == ["job-1/main.log"]
