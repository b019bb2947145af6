"""A closed log into the bucket. It may be interrupted anywhere, and done again: what has arrived is not sent twice."""

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from jobs.logs.objects import manifest
from jobs.logs.objects.bucket import Bucket
from jobs.logs.objects.manifest import BadManifest, Manifest, StoredFile


class NotStored(Exception):
    """What arrived is not what was sent."""


def store(bucket: Bucket, directory: Path, container: str, files: Sequence[Path]) -> Manifest:
    """1. note what will be sent 2. send it 3. look at what has arrived 4. send the note too 5. note that it is done.
    Raises LogsAway, NotStored, and FileNotFoundError when the log was removed meanwhile."""
    path = manifest.stored_path(directory, container)
    wanted = Manifest(tuple(described(file) for file in files))
    earlier = earlier_note(path)
    manifest.save(path, wanted)
    for local, file in zip(files, wanted.files, strict=True):
        key = manifest.object_key(directory, file.name)
        if not (file in earlier and has(bucket, key, file.size)):
            bucket.put(key, local)
        if not has(bucket, key, file.size):
            raise NotStored(key)
    done = msgspec.structs.replace(wanted, stored_ns=time.time_ns())
    bucket.put(manifest.object_key(directory, f"{container}.away"), manifest.dump(done))
    manifest.save(path, done)
    return done


def described(path: Path) -> StoredFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return StoredFile(path.name, file.tell(), digest)


def earlier_note(path: Path) -> Sequence[StoredFile]:
    """Of a try that was interrupted."""
    try:
        earlier = manifest.load(path)
    except BadManifest:
        return ()
    return earlier.files if earlier else ()


def has(bucket: Bucket, key: str, size: int) -> bool:
    try:
        return bucket.size(key) == size
    except FileNotFoundError:
        return False
