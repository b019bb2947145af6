"""The objects of a deleted job go too: noted before anything of the job is removed here, crossed off when the bucket
holds nothing of it any more and the job's directory is gone, so that nobody can be sending more."""

from pathlib import Path

from django.conf import settings

from jobs.identifiers import JOB_ID
from jobs.logs.objects import notes
from jobs.logs.objects.bucket import Bucket


def note_removal(root: Path, job_id: str) -> None:
    """Before the job's directory is removed. With a bucket always: a log of it may be on its way there just now."""
    if settings.LOG_OBJECTS is not None or has_objects(root / job_id):
        notes.note_removed(root, job_id)


def has_objects(directory: Path) -> bool:
    """Of logs that were stored while there was a bucket."""
    return any(path.suffix in (".stored", ".away") for path in directory.glob("*/*/*"))


def remove_noted(bucket: Bucket, root: Path, job_id: str) -> None:
    """Raises LogsAway; the note then stays."""
    if not JOB_ID.fullmatch(job_id):  # it becomes a prefix of what is removed
        raise ValueError(job_id)
    is_gone = not (root / job_id).exists()
    for key in list(bucket.keys(job_id)):
        bucket.remove(key)
    if is_gone:
        (root / notes.REMOVED / job_id).unlink(missing_ok=True)
