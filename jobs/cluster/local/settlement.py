"""Saying how a replica ended whose shim can no longer say it: killed, lost with the machine, or never come to life.

Under the attempt's mutex and with the replica's lock in hand, so no shim lives and none can begin. What is left of its
command is killed first, if it is proven to be that; then the log gets its END, then exit.json says what is known.
"""

import os
import signal
import time
from pathlib import Path

from jobs.cluster.base import ObjectRef, PodReason
from jobs.cluster.errors import Unavailable
from jobs.cluster.local import locks
from jobs.cluster.local.places import Places
from jobs.cluster.local.shim import files, proc
from jobs.cluster.local.state import AttemptState, Ended, attempt_dir, read_ended, read_started, read_text
from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.store import LogKey

KILL_PATIENCE_S = 2.0
LOOK_AGAIN_S = 0.005
FOREIGN_BOOT = "the machine was restarted while this ran: it began in boot {old}, this is boot {new}"


def settle(places: Places, ref: ObjectRef, state: AttemptState, replica: int) -> Ended | None:
    """None when there is nothing to settle: the shim lives, or a creator has yet to spawn it."""
    directory = attempt_dir(places.pool_dir, ref)
    own = directory / str(replica)
    try:
        lock = locks.take(own)
    except FileNotFoundError:
        return None
    if lock is None:
        return None
    try:
        ended = read_ended(own)
        if ended is None and (ended := verdict(directory, state, replica)) is not None:
            seal(places, LogKey(ref.job_id, ref.attempt, replica), ended.finished_ns)
            write(own, ended)
        return ended
    finally:
        os.close(lock)


def verdict(directory: Path, state: AttemptState, replica: int) -> Ended | None:
    own = directory / str(replica)
    started = read_started(own)
    if started:
        kill_leftovers(state.pod_uids[replica])
    restarted = (started or state).boot_id != proc.boot_id()
    if (directory / "stop").exists():
        return end(PodReason.STOPPED, "" if started else "stopped before the command was started")
    if restarted:  # and so it may have run, whatever files the restart left
        return end(PodReason.NODE_LOST, FOREIGN_BOOT.format(old=(started or state).boot_id, new=proc.boot_id()))
    if started:
        return end(PodReason.LOST, f"its supervisor (process {started.shim_pid}) vanished{last_words(own)}")
    if (own / "started.json").exists():
        return end(PodReason.LOST, f"its supervisor ended as the command was about to start{last_words(own)}")
    if (directory / "launched").exists():
        return end(PodReason.LOST, f"its supervisor ended before it started the command{last_words(own)}")
    return None


def end(reason: PodReason, message: str) -> Ended:
    return Ended(reason=reason, exit_code=None, signal=None, message=message, finished_ns=time.time_ns())


def last_words(own: Path) -> str:
    lines = (read_text(own / "shim.err") or "").splitlines()
    return f": {lines[-1][:500]}" if lines else ""


def write(own: Path, ended: Ended) -> None:
    values: dict[str, files.Value] = {
        "reason": ended.reason.value,
        "exit_code": ended.exit_code,
        "signal": ended.signal,
        "message": ended.message,
        "finished_ns": ended.finished_ns,
    }
    files.replace(os.fsencode(own), b"exit.json", files.dump(values))


def kill_leftovers(uid: str) -> None:
    """Kill every process that carries this pod's random uid in its environment: nothing else on the machine does, and
    the kernel, not the process, answers for it. Raises Unavailable while some are still there."""
    deadline = time.monotonic() + KILL_PATIENCE_S
    while left := carriers(uid):
        if time.monotonic() > deadline:
            raise Unavailable(f"processes {left} of a lost pod do not end")
        for pid in left:
            kill(pid, uid)
        time.sleep(LOOK_AGAIN_S)


def carriers(uid: str) -> list[int]:
    return [pid for pid in proc.processes() if carries(pid, uid)]


def carries(pid: int, uid: str) -> bool:
    try:
        environment = proc.read(proc.PROC + b"/%d/environ" % pid, 1 << 22)
    except OSError:
        return False  # ended, or another user's: not ours
    return b"POD_UID=" + uid.encode() in environment.split(b"\0")


def kill(pid: int, uid: str) -> None:
    """Through a descriptor of the process, so that its number cannot pass to another between look and kill."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if carries(pid, uid):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        pass  # ended by itself
    finally:
        os.close(handle)


def seal(places: Places, key: LogKey, time_ns: int) -> None:
    log = FilesystemLogStore(places.log_dir).writer(key)
    try:
        log.seal(time_ns)
    finally:
        log.close()
