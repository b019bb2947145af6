"""One pass over what is left to do with the logs of ended pods, in the background.

One pass at a time, whichever process runs it. A log that cannot be dealt with never stops the others: it is told of and
tried again in the next pass. A bucket that did not answer for several in a row ends the pass: nobody else would get an
answer either.
"""

import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from django.conf import settings

from jobs.exceptions import LogsAway
from jobs.logs import locks, worklist
from jobs.logs.format import CONTAINER
from jobs.logs.objects import manifest, notes, unstored
from jobs.logs.objects.bucket import PATIENT, Bucket
from jobs.logs.objects.freeing import free
from jobs.logs.objects.removal import remove_noted
from jobs.logs.objects.shelf import configured
from jobs.logs.objects.storing import store
from jobs.logs.packing import closed_files
from jobs.logs.store import LogBusy
from jobs.logs.worklist import PACKED

logger = logging.getLogger(__name__)

UNANSWERED = 3  # in a row

Step = Callable[[], None]


def is_needed(root: Path) -> bool:
    """Whether a pass has something to do."""
    if settings.LOG_OBJECTS is None or not root.exists():
        return False
    due = notes.due(root, settings.LOG_LOCAL_KEEP_SECONDS)
    waiting = notes.removed(root) or worklist.names(root, PACKED) or next(due, None)
    return bool(waiting) or unstored.is_due(root)


def keep(root: Path, deadline: float) -> None:
    """For an instance with a bucket; until `deadline` on the clock time.monotonic(), what was begun then is finished.
    1. objects of deleted jobs are removed 2. packed logs are stored 3. stored logs are freed here when they are due."""
    (root / notes.STORED).mkdir(mode=0o750, parents=True, exist_ok=True)
    try:
        with locks.exclusive(root / notes.STORED):
            if unstored.is_due(root):
                unstored.look_through(root)
            go_through(work(Bucket(configured(), PATIENT), root), deadline)
    except LogBusy:
        return


def go_through(work: Iterator[tuple[str, Step]], deadline: float) -> None:
    unanswered = 0
    for name, step in work:
        if time.monotonic() >= deadline or unanswered == UNANSWERED:
            return
        try:
            step()
            unanswered = 0
        except LogsAway:
            unanswered += 1
            logger.warning("The log of %s stays as it is until the object storage answers", name)
        except LogBusy:
            continue  # somebody packs it or writes to it: in the next pass
        except Exception:  # one log's fault must not keep the others waiting; the next pass tries again
            logger.exception("What is left to do with the log of %s failed", name)


def work(bucket: Bucket, root: Path) -> Iterator[tuple[str, Step]]:
    for entry in notes.removed(root):
        yield entry.name, partial(remove_noted, bucket, root, entry.name)
    for pod_name in worklist.names(root, PACKED):
        yield pod_name, partial(store_packed, bucket, root, pod_name)
    for entry in notes.due(root, settings.LOG_LOCAL_KEEP_SECONDS):
        yield entry.name, partial(free_stored, bucket, root, entry)


def store_packed(bucket: Bucket, root: Path, pod_name: str) -> None:
    """A log that was opened again is packed, and comes here, again."""
    worklist.take(root, pod_name, PACKED)
    directory = worklist.directory_of(root, pod_name)
    files = closed_files(directory, CONTAINER) if directory else None
    if directory and files and not manifest.away_path(directory, CONTAINER).exists():
        store(bucket, directory, CONTAINER, files)
        notes.note_stored(root, pod_name)
    worklist.done(root, pod_name, PACKED)


def free_stored(bucket: Bucket, root: Path, entry: Path) -> None:
    pod_name = notes.pod_of(entry)
    directory = worklist.directory_of(root, pod_name)
    if directory and directory.exists() and not free(bucket, directory, CONTAINER):
        worklist.put(root, pod_name, PACKED)
    entry.unlink(missing_ok=True)
