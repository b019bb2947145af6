"""What a job leaves on this installation's disk, and its removal when the job is deleted."""

import shutil
from pathlib import Path

from django.conf import settings

from jobs.identifiers import JOB_ID
from jobs.logs.objects.removal import note_removal


def directories(job_id: str) -> tuple[Path, ...]:
    """The job's logs and its working directory. ValueError for what is no job id: the name becomes a path."""
    if not JOB_ID.fullmatch(job_id):
        raise ValueError(job_id)
    return settings.LOG_DIR / job_id, settings.WORK_DIR / job_id


def remove_job(job_id: str) -> None:
    """Logs and working directory, and what the bucket holds of it a little later; what is not there is fine. Raises
    OSError for what cannot be removed."""
    found = directories(job_id)
    note_removal(settings.LOG_DIR, job_id)
    for directory in found:
        if directory.exists():
            shutil.rmtree(directory)
