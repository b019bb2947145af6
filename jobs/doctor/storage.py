"""Where logs are kept."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from jobs.findings import Finding, Level

GIB = 1 << 30
LEAST_BYTES, LEAST_SHARE = 1 * GIB, 0.05
FEW_SHARE = 0.15


def disk() -> Iterator[Finding]:
    """Of the directory, or of the nearest one above it that is there."""
    place = nearest(Path(settings.LOG_DIR))
    subject = "disk"
    try:
        with tempfile.NamedTemporaryFile(dir=place) as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        fix = f"Let the user that the platform runs as write to {place}, or free space there."
        yield Finding(Level.PROBLEM, subject, f"{place} takes no writes: {exc.strerror}", fix)
        return
    usage = shutil.disk_usage(place)
    yield space(place, usage.free, usage.total)


def nearest(path: Path) -> Path:
    return next(one for one in (path, *path.parents) if one.is_dir())


def space(place: Path, free: int, total: int) -> Finding:
    subject, share = "disk", free / total
    text = f"{free / GIB:.1f} GiB free ({share:.0%}) for logs in {place}"
    fix = "Free space, enlarge the volume, lower LOG_MAX_BYTES_PER_POD, or keep old logs in a bucket (LOG_OBJECT_URL)."
    if free < LEAST_BYTES or share < LEAST_SHARE:
        return Finding(Level.PROBLEM, subject, text, fix)
    if share < FEW_SHARE:
        return Finding(Level.NOTE, subject, text, fix)
    return Finding(Level.OK, subject, text)


def bucket() -> Iterator[Finding]:
    subject = "bucket"
    if settings.LOG_OBJECTS is None:
        yield Finding(Level.OK, subject, "none is set: logs are kept on this machine's disk alone")
        return
    from jobs.logs.objects.bucket import Bucket
    from jobs.logs.objects.probe import probe

    step = ""
    for step, problem in probe(Bucket(settings.LOG_OBJECTS)):
        if problem:
            fix = "See docs/log-storage.md. Old logs are not to be had until then; new ones stay on disk."
            yield Finding(Level.PROBLEM, subject, f"{step}: {problem}", fix)
            return
    yield Finding(Level.OK, subject, f"takes, gives, lists and removes objects ({settings.LOG_OBJECTS!r})")
