"""What the bucket holds of one log: a small file beside the log.

    <container>.stored   a copy is in the bucket, or on its way there; what is in the directory counts
    <container>.away     the files that it names are removed from the directory, or about to be; the bucket's count

The first is written before anything is sent, so that no object is ever without a trace here, and again when all of it
has arrived. It becomes the second by one rename. The same file is the log's last object in the bucket: where it is, the
log is whole, and a lost disk can be filled again from there.
"""

from pathlib import Path
from typing import Annotated

import msgspec

from jobs.logs import durable

VERSION = 1
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]*(\.[a-z0-9]+)+$", max_length=200)]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class StoredFile(msgspec.Struct, frozen=True):
    """`sha256` in hexadecimal."""

    name: Name
    size: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Digest


class Manifest(msgspec.Struct, frozen=True):
    """`stored_ns`: since when all of it is in the bucket; 0: not yet."""

    files: tuple[StoredFile, ...]
    stored_ns: int = 0
    version: int = VERSION

    def file(self, name: str) -> StoredFile | None:
        return next((file for file in self.files if file.name == name), None)


class BadManifest(Exception):
    """It cannot be read: damaged, or made by a later version."""


def stored_path(directory: Path, container: str) -> Path:
    return directory / f"{container}.stored"


def away_path(directory: Path, container: str) -> Path:
    return directory / f"{container}.away"


def object_key(directory: Path, name: str) -> str:
    """`<jobId>/<attempt>/<replica>/<name>`, as on the disk."""
    return "/".join((*directory.parts[-3:], name))


def load(path: Path) -> Manifest | None:
    """None when it is not there. Raises BadManifest."""
    try:
        return parse(path.read_bytes())
    except FileNotFoundError:
        return None


def parse(data: bytes) -> Manifest:
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as exc:
        raise BadManifest(str(exc)) from exc
    if manifest.version != VERSION:
        raise BadManifest(f"version {manifest.version}")
    return manifest


def dump(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


def save(path: Path, manifest: Manifest) -> None:
    durable.write(path, dump(manifest))
