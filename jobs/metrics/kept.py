"""What was read out of a pod's log so far, kept beside the log: a look goes on where the last one stopped.

It is derived and may be lost at any time. Several processes may look at once: each writes a whole file in the place of
the last, and whichever stays is right as far as it says it has read.
"""

import os
import secrets
from contextlib import closing
from pathlib import Path

import msgspec
from django.conf import settings

from jobs.logs.format import pod_dir
from jobs.logs.store import LogKey, LogNotFound, LogStore
from jobs.metrics.scan import VERSION, State, read_on

BUDGET = 32 << 20  # bytes of log that one look takes in at most


def look(store: LogStore, key: LogKey, budget: int = BUDGET) -> tuple[State, bool]:
    """The state after this look, and whether it has all that the log says so far. A pod that never printed has said
    nothing."""
    try:
        log = store.open(key)
    except LogNotFound:
        return State(), True
    path = kept_at(key)
    with closing(log):
        before = load(path)
        if before.cursor > log.size():  # of another log: nothing that was written is ever taken back
            before = State()
        start = before.cursor
        whole = read_on(before, log, budget)
    if before.cursor != start:
        save(path, before)
    return before, whole


def kept_at(key: LogKey) -> Path:
    return pod_dir(Path(settings.LOG_DIR), key.job_id, key.attempt, key.replica) / f"{key.container}.metrics"


def load(path: Path) -> State:
    """Made anew when it is not there, cannot be read, or was made by other rules."""
    try:
        state = msgspec.msgpack.decode(path.read_bytes(), type=State)
    except (FileNotFoundError, msgspec.DecodeError):
        return State()
    return state if state.version == VERSION else State()


def save(path: Path, state: State) -> None:
    """A job that was deleted meanwhile has no directory any more, and gets none."""
    draft = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        draft.write_bytes(msgspec.msgpack.encode(state))
        draft.replace(path)
    except FileNotFoundError:
        return
