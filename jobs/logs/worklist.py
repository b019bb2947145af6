"""Which logs have segments to pack: an empty file of the pod's name in <root>/.closed.

Writers add a name when they have begun another segment, and when nothing more comes; whoever packs takes it. A name
that is lost, as in a crash of the machine, costs nothing but time: all logs are looked through once a day (packer.py).
"""

import logging
import os
from pathlib import Path

from jobs.identifiers import parse_pod_name
from jobs.logs.format import pod_dir

logger = logging.getLogger(__name__)

CLOSED = ".closed"  # the local pool's shim has the same
PACKED = ".packed"  # sealed, and nothing is left to pack: for who keeps closed logs elsewhere
TAKEN = ".taken"


def add(directory: Path, which: str = CLOSED) -> None:
    """Best effort."""
    replica, attempt, job_id = directory.name, directory.parent.name, directory.parent.parent.name
    try:
        put(directory.parents[2], f"{job_id}-{attempt}-{replica}", which)
    except OSError as exc:
        logger.warning("That the log in %s can be packed could not be noted: %s", directory, exc)


def put(root: Path, name: str, which: str = CLOSED) -> None:
    place = root / which
    try:
        (place / name).touch(mode=0o640)
    except FileNotFoundError:
        place.mkdir(mode=0o750, exist_ok=True)
        (place / name).touch(mode=0o640)


def names(root: Path, which: str = CLOSED) -> list[str]:
    """Also those that were taken by who did not come to an end."""
    try:
        found = os.listdir(root / which)  # noqa: PTH208 (names alone are wanted)
    except FileNotFoundError:
        return []
    return sorted({pod for name in found if parse_pod_name(pod := name.removesuffix(TAKEN))})


def take(root: Path, name: str, which: str = CLOSED) -> None:
    """What is added from now on is there again."""
    try:
        (root / which / name).rename(root / which / (name + TAKEN))
    except FileNotFoundError:
        return  # taken before, by who did not come to an end


def done(root: Path, name: str, which: str = CLOSED) -> None:
    (root / which / (name + TAKEN)).unlink(missing_ok=True)


def clear(root: Path, which: str) -> None:
    for name in names(root, which):
        take(root, name, which)
        done(root, name, which)


def directory_of(root: Path, name: str) -> Path | None:
    """None for what is no pod's name."""
    parsed = parse_pod_name(name)
    return pod_dir(root, *parsed) if parsed else None
