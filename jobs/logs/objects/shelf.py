"""The files of a log wherever they are: in its directory, and once they were freed there, in the bucket."""

from collections.abc import Hashable, Sequence
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from jobs.exceptions import LogsAway
from jobs.logs.blobs import Blob, DirectoryShelf
from jobs.logs.objects import manifest
from jobs.logs.objects.bucket import Bucket, readers_bucket
from jobs.logs.objects.cache import BLOCK, BlockCache
from jobs.logs.objects.manifest import BadManifest, Manifest, StoredFile
from jobs_platform.object_storage import ObjectStorage

NO_BUCKET = _("This log is kept in an object storage that the platform is no longer told of. Tell the operators.")
LOST = _("The object storage has not got this log any more. Tell the operators.")
DAMAGED = _("What the platform noted about where this log is cannot be read. Tell the operators.")

cache = BlockCache()


class StoredShelf:
    def __init__(self, directory: Path, container: str) -> None:
        self._directory = directory
        self._container = container
        self._local = DirectoryShelf(directory, container)

    def names(self) -> Sequence[str]:
        """Looked at in this order: the files go after the manifest has come."""
        here, away = self._local.names(), self._away()
        return sorted(file.name for file in away.files) if away else here

    def open(self, name: str) -> Blob:
        try:
            return self._local.open(name)
        except FileNotFoundError:
            away = self._away()
            file = away and away.file(name)
            if not file:
                raise
            return ObjectBlob(readers_bucket(configured()), manifest.object_key(self._directory, name), file)

    def _away(self) -> Manifest | None:
        return away_manifest(self._directory, self._container)


class ObjectBlob:
    """An object, read by blocks that are kept for the next reader."""

    def __init__(self, bucket: Bucket, key: str, file: StoredFile) -> None:
        self.name = file.name
        self.identity: Hashable = f"{key}@{file.sha256}"
        self._bucket = bucket
        self._key = key
        self._file = file

    def size(self) -> int:
        return self._file.size

    def read(self, offset: int, size: int) -> bytes:
        """Raises LogsAway."""
        end = min(offset + size, self._file.size)
        if offset >= end:
            return b""
        first = offset // BLOCK
        data = b"".join(self._block(number) for number in range(first, (end - 1) // BLOCK + 1))
        return data[offset - first * BLOCK : end - first * BLOCK]

    def close(self) -> None:
        """Nothing is held open."""

    def _block(self, number: int) -> bytes:
        return cache.get((self.identity, number), lambda: self._fetch(number))

    def _fetch(self, number: int) -> bytes:
        start = number * BLOCK
        end = min(start + BLOCK, self._file.size)
        try:
            data = self._bucket.read(self._key, start, end)
        except FileNotFoundError as exc:
            raise LogsAway(LOST) from exc
        if len(data) != end - start:
            raise LogsAway(LOST)
        return data


def away_manifest(directory: Path, container: str) -> Manifest | None:
    """None while the directory's own files count. Raises LogsAway."""
    try:
        return manifest.load(manifest.away_path(directory, container))
    except BadManifest as exc:
        raise LogsAway(DAMAGED) from exc


def require_answer(directory: Path, container: str) -> None:
    """Raises LogsAway when the log is in the bucket, and cannot be read there just now."""
    away = away_manifest(directory, container)
    if away:
        last = away.files[-1]
        StoredShelf(directory, container).open(last.name).read(last.size - 1, 1)


def configured() -> ObjectStorage:
    """Raises LogsAway when there is none."""
    if settings.LOG_OBJECTS is None:
        raise LogsAway(NO_BUCKET)
    return settings.LOG_OBJECTS
