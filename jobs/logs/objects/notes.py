"""What is left to do with logs in the bucket: an empty file for each, in directories beside the logs.

    .stored/<time>-<podName>    in the bucket since that time (20 digits, nanoseconds): to be freed here when it is due
    .removed/<jobId>            deleted: to be removed from the bucket

A note is on the disk before anything that makes it needed. Doing what it says twice does no harm.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from jobs.logs import durable

STORED, REMOVED = ".stored", ".removed"
TIME_DIGITS = 20


def note_removed(root: Path, job_id: str) -> None:
    note(root / REMOVED, job_id)


def note_stored(root: Path, pod_name: str) -> None:
    note(root / STORED, f"{time.time_ns():0{TIME_DIGITS}d}-{pod_name}")


def note(place: Path, name: str) -> None:
    place.mkdir(mode=0o750, parents=True, exist_ok=True)
    (place / name).touch(mode=0o640)
    durable.sync_directory(place)


def removed(root: Path) -> list[Path]:
    return noted(root / REMOVED)


def due(root: Path, keep_seconds: float) -> Iterator[Path]:
    """What has been in the bucket so long, the oldest first. A clock that was set back delays it, and no more."""
    before = time.time_ns() - int(keep_seconds * 1e9)
    for entry in noted(root / STORED):
        digits = entry.name[:TIME_DIGITS]
        if not digits.isdecimal():
            continue
        if int(digits) > before:
            return
        yield entry


def noted(place: Path) -> list[Path]:
    """In order of their names."""
    try:
        return sorted(place.iterdir())
    except FileNotFoundError:
        return []


def pod_of(entry: Path) -> str:
    return entry.name[TIME_DIGITS + 1 :]
