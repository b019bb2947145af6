"""The process that packs closed logs (packing.py), and then moves old ones to the bucket where there is one
(objects/keeping.py): python -m jobs.logs.packer <directory of all logs> <parent's id> [--to-bucket].

Started by the worker when there is something to do, one at a time for all logs, and at the lowest priority: no job
and no other part of the platform waits for it. It ends by itself, after all is done or about a minute, and the kernel
ends it with the worker; whatever it left is done the next time.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from jobs.identifiers import JOB_ID
from jobs.logs import locks, packing, worklist
from jobs.logs.format import CONTAINER, index_name
from jobs.logs.packing import Stop
from jobs.logs.store import LogBusy

logger = logging.getLogger(__name__)

SECONDS = 25.0  # no further file is begun after so many
LOOK_AGAIN_SECONDS = 86400.0  # at all logs there are, for names that were lost
LOOKED = ".looked"
BUCKET = "--to-bucket"
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def is_needed(root: Path) -> bool:
    return root.exists() and (bool(worklist.names(root)) or is_due(root))


def run(root: Path, stop: Stop) -> None:
    """Raises OSError where the lists cannot be written."""
    (root / worklist.CLOSED).mkdir(mode=0o750, exist_ok=True)
    try:
        with locks.exclusive(root / worklist.CLOSED):
            if is_due(root):
                look_through(root)
            for name in worklist.names(root):
                if stop():
                    return
                pack(root, name, stop)
    except LogBusy:
        return  # another one is at it


def pack(root: Path, name: str, stop: Stop) -> None:
    worklist.take(root, name)
    directory = worklist.directory_of(root, name)
    try:
        if directory and packing.pack(directory, stop=stop):
            if packing.is_sealed(directory):
                worklist.put(root, name, worklist.PACKED)
            worklist.done(root, name)
    except FileNotFoundError:
        worklist.done(root, name)  # its job was deleted meanwhile
    except Exception:  # one log that cannot be packed must not keep others from it (R12): tried again within a day
        logger.exception("The log of pod %s could not be packed", name)
        worklist.done(root, name)


def is_due(root: Path) -> bool:
    try:
        looked = (root / worklist.CLOSED / LOOKED).stat().st_mtime
    except FileNotFoundError:
        return True
    return not 0 <= time.time() - looked < LOOK_AGAIN_SECONDS


def look_through(root: Path) -> None:
    for name in all_names(root):
        worklist.put(root, name)
    (root / worklist.CLOSED / LOOKED).touch()


def all_names(root: Path) -> Iterator[str]:
    """Of the pods whose logs are not packed whole."""
    for job in root.iterdir():
        if JOB_ID.fullmatch(job.name):
            for path in job.glob(f"*/*/{index_name(CONTAINER)}"):
                yield f"{job.name}-{path.parent.parent.name}-{path.parent.name}"


def end_with(parent: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit()  # it ended before the kernel knew


def hand_on(root: Path, *, to_bucket: bool) -> None:
    """What is packed. Where there is no bucket, nobody waits for it."""
    if not to_bucket:
        worklist.clear(root, worklist.PACKED)
        return
    from jobs.logs.objects import keeping  # it brings Django with it

    keeping.keep(root, time.monotonic() + SECONDS)


def main(root: Path, parent: int, *, to_bucket: bool) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    end_with(parent)
    os.nice(19)
    deadline = time.monotonic() + SECONDS
    run(root, lambda: time.monotonic() >= deadline)
    hand_on(root, to_bucket=to_bucket)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), to_bucket=sys.argv[3:] == [BUCKET])
