"""Once a day all logs are looked at: those that the bucket does not have yet, because there was none then, or because a
crash of the machine took the note, are put on the list of what is to be stored."""

import time
from pathlib import Path

from jobs.identifiers import JOB_ID, pod_name
from jobs.logs import worklist
from jobs.logs.format import CONTAINER
from jobs.logs.objects import manifest, notes

LOOK_AGAIN_SECONDS = 86400.0
LOOKED = ".looked"


def is_due(root: Path) -> bool:
    try:
        looked = (root / notes.STORED / LOOKED).stat().st_mtime
    except FileNotFoundError:
        return True
    return not 0 <= time.time() - looked < LOOK_AGAIN_SECONDS


def look_through(root: Path) -> None:
    for job in root.iterdir():
        if JOB_ID.fullmatch(job.name):
            for directory in job.glob("*/*"):
                look_at(root, job.name, directory)
    (root / notes.STORED / LOOKED).touch()


def look_at(root: Path, job_id: str, directory: Path) -> None:
    """A log that is not closed yet is found so when its turn comes."""
    attempt, replica = directory.parent.name, directory.name
    known = (manifest.stored_path(directory, CONTAINER), manifest.away_path(directory, CONTAINER))
    if attempt.isdecimal() and replica.isdecimal() and not any(path.exists() for path in known):
        worklist.put(root, pod_name(job_id, int(attempt), int(replica)), worklist.PACKED)
