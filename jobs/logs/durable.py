"""Small files that survive a power cut whole: the old content is there, or the new, never a part."""

import os
import secrets
from pathlib import Path


def write(path: Path, data: bytes) -> None:
    """Raises FileNotFoundError when the directory is not there (any more)."""
    draft = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        rename(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def rename(old: Path, new: Path) -> None:
    """Within one directory, or from one to another."""
    old.replace(new)
    sync_directory(new.parent)


def sync_directory(path: Path) -> None:
    """The names in it are what they are now, from here on."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
