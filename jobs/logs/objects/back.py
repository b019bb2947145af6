"""A log from the bucket back into its directory, for the rare writer who goes on with one that had ended."""

import hashlib
import os
from pathlib import Path

from jobs.exceptions import LogsAway
from jobs.logs import durable
from jobs.logs.objects import manifest
from jobs.logs.objects.bucket import PATIENT, Bucket
from jobs.logs.objects.manifest import StoredFile
from jobs.logs.objects.shelf import LOST, away_manifest, configured


def bring_back(directory: Path, container: str) -> None:
    """No effect unless the log is away. For who holds the log's lock. Raises OSError: nothing has changed then."""
    away = away_manifest(directory, container)
    if away is None:
        return
    bucket = Bucket(configured(), PATIENT)
    for file in away.files:
        fetch(bucket, directory, file)
    durable.sync_directory(directory)
    durable.rename(manifest.away_path(directory, container), manifest.stored_path(directory, container))


def fetch(bucket: Bucket, directory: Path, file: StoredFile) -> None:
    """The file is there whole or, as before, not at all."""
    path, draft = directory / file.name, directory / f".{file.name}.fetched"
    if path.exists():
        return
    digest = hashlib.sha256()
    try:
        with draft.open("wb") as target:
            for chunk in bucket.chunks(manifest.object_key(directory, file.name)):
                digest.update(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        if digest.hexdigest() != file.sha256:
            raise LogsAway(LOST)
        draft.replace(path)
    except FileNotFoundError as exc:
        raise LogsAway(LOST) from exc
    finally:
        draft.unlink(missing_ok=True)
