"""Room on the disk: the files of a log that the bucket holds are removed from its directory.

Before that each object is read back, and must be what the directory's file is, to the byte. Who opens the log for
writing meanwhile is waited for, and the log then stays.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from jobs.logs import durable
from jobs.logs.locks import exclusive
from jobs.logs.objects import manifest
from jobs.logs.objects.bucket import Bucket
from jobs.logs.objects.manifest import Manifest, StoredFile
from jobs.logs.objects.storing import described
from jobs.logs.packing import closed_files

WORTH_BYTES = 64 << 10  # a smaller log stays: its note would take as much of the disk

State = dict[str, tuple[int, int, int]]


def free(bucket: Bucket, directory: Path, container: str) -> bool:
    """Whether nothing is left to do; False: the log must be stored anew. Goes on with what an earlier try began.
    Raises LogsAway, BadManifest, LogBusy."""
    if away := manifest.load(manifest.away_path(directory, container)):
        remove(directory, container, away)
        return True
    stored = manifest.load(manifest.stored_path(directory, container))
    files = closed_files(directory, container)
    if not stored or not stored.stored_ns or files is None:
        return False
    before = state(files)
    if not agrees(bucket, directory, stored, files):
        manifest.stored_path(directory, container).unlink()  # so that all of it is sent again
        return False
    if sum(file.size for file in stored.files) < WORTH_BYTES:
        return True
    with exclusive(directory):
        files = closed_files(directory, container)
        if files is None or state(files) != before:
            return False
        durable.rename(manifest.stored_path(directory, container), manifest.away_path(directory, container))
        remove(directory, container, stored)
    return True


def state(files: Sequence[Path]) -> State:
    """Changes with every file that is written to, or that comes or goes."""
    found = ((path, path.stat()) for path in files)
    return {path.name: (entry.st_ino, entry.st_size, entry.st_mtime_ns) for path, entry in found}


def agrees(bucket: Bucket, directory: Path, stored: Manifest, files: Sequence[Path]) -> bool:
    """The directory, the note and the bucket hold the same."""
    here = {described(path) for path in files}
    return here == set(stored.files) and all(arrived(bucket, directory, file) for file in stored.files)


def arrived(bucket: Bucket, directory: Path, file: StoredFile) -> bool:
    digest = hashlib.sha256()
    try:
        for chunk in bucket.chunks(manifest.object_key(directory, file.name)):
            digest.update(chunk)
    except FileNotFoundError:
        return False
    return digest.hexdigest() == file.sha256


def remove(directory: Path, container: str, away: Manifest) -> None:
    """Also what a note was written to by who was killed before it had its name."""
    for file in away.files:
        (directory / file.name).unlink(missing_ok=True)
    for draft in directory.glob(f".{manifest.stored_path(directory, container).name}-*"):
        draft.unlink(missing_ok=True)
