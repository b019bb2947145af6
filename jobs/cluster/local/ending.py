"""Stopping an attempt, and forgetting one that is over.

`stop` is written before the shims are signalled, and shims look for it after writing started.json: so one that starts
at this very moment sees either the file or the signal. The file stays, and nothing of the attempt ever starts again;
where there is no attempt yet it is left as a tombstone, for a creator that was paused and wakes up late.
"""

import json
import os
import secrets
import signal
from pathlib import Path

from jobs.cluster.base import ObjectRef
from jobs.cluster.errors import NotFound, Unavailable
from jobs.cluster.local import locks
from jobs.cluster.local.disposal import dispose
from jobs.cluster.local.places import Places
from jobs.cluster.local.settlement import settle
from jobs.cluster.local.shim import files, proc
from jobs.cluster.local.state import Started, attempt_dir, read_attempt, read_ended, read_started

FORGOTTEN = ".forgotten"


def stop(places: Places, ref: ObjectRef, grace_seconds: float) -> None:
    directory = attempt_dir(places.pool_dir, ref)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = read_attempt(directory)
        if state is not None and ref.uid not in ("", state.uid):
            return
        write_stop(directory, round(grace_seconds * 1000))
        state = read_attempt(directory)
        for replica in range(state.replicas if state else 0):
            signal_shim(directory / str(replica))
    except (OSError, ValueError) as exc:
        raise Unavailable(f"{ref.name} could not be told to stop: {exc}") from exc


def write_stop(directory: Path, grace_ms: int) -> None:
    """A later request may shorten the grace, never lengthen it."""
    before = files.read_stop(os.fsencode(directory / "any"))
    if before is None or grace_ms < before:
        files.replace(os.fsencode(directory), b"stop", b"%d" % grace_ms)


def signal_shim(replica: Path) -> None:
    started = read_started(replica)
    if started is None or read_ended(replica) is not None or not locks.is_held(replica):
        return
    try:
        send(started)
    except ProcessLookupError:
        pass  # it ended by itself


def send(started: Started) -> None:
    """Through a descriptor where there are such, so that the number cannot pass to another process in between."""
    if not hasattr(os, "pidfd_open"):
        os.kill(started.shim_pid, signal.SIGTERM)
        return
    handle = os.pidfd_open(started.shim_pid)
    try:
        if proc.start_ticks(started.shim_pid) == started.shim_ticks:
            signal.pidfd_send_signal(handle, signal.SIGTERM)
    finally:
        os.close(handle)


def forget(places: Places, ref: ObjectRef) -> None:
    """Raises Unavailable while anything of it lives."""
    directory = attempt_dir(places.pool_dir, ref)
    try:
        if not directory.is_dir():
            return
        with locks.mutex(directory):
            state = read_attempt(directory)
            if state is not None and ref.uid not in ("", state.uid):
                return
            for replica in range(state.replicas if state else 0):
                own = directory / str(replica)
                if state and read_ended(own) is None:
                    settle(places, ref, state, replica)
                if read_ended(own) is None and locks.is_held(own):
                    raise Unavailable(f"replica {replica} of {ref.name} still runs")
            remove(places.pool_dir, directory)
    except NotFound:
        return
    except (OSError, json.JSONDecodeError) as exc:
        raise Unavailable(f"{ref.name} could not be removed: {exc}") from exc


def remove(pool_dir: Path, directory: Path) -> None:
    """Out of sight in one step, so that nobody takes a half-removed attempt for one that never started."""
    hidden = pool_dir / FORGOTTEN / f"{directory.name}-{secrets.token_hex(4)}"
    hidden.parent.mkdir(mode=0o700, exist_ok=True)
    directory.rename(hidden)
    dispose(hidden)
