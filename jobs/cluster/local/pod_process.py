"""What a terminal shares with a local pod: the directory, the environment and the CPUs of its main process.

The environment is read from the process itself: a pod's secrets are never on disk, so there is nowhere else to read
them, and what the process was given cannot differ from what it has. A program that overwrites that memory (to change
its title in `ps`) hides it; its terminal then has the platform's variables and not the job's own.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jobs.cluster.base import PodRef
from jobs.cluster.errors import NotFound, Unavailable
from jobs.cluster.local import state
from jobs.cluster.local.environment import inherited, search_path
from jobs.cluster.local.shim import proc

# Between being started and becoming the command, a process still has its supervisor's environment.
LOOKS, PAUSE_SECONDS = 5, 0.01


@dataclass(frozen=True, slots=True)
class PodProcess:
    """`pidfd` is the main process, whose end ends the terminal. Who takes this closes it."""

    pidfd: int
    cwd: str
    env: Mapping[str, str] = field(repr=False)
    cpus: frozenset[int] = frozenset()


def find(pool_dir: Path, pod: PodRef) -> PodProcess:
    """Raises NotFound when the pod with that uid does not run, Unavailable when that cannot be told."""
    try:
        running = state.running_pod(pool_dir, pod)
        if running is None:
            raise NotFound(f"{pod.name} does not run")
        pidfd = os.pidfd_open(running.pid)
    except ProcessLookupError:
        raise NotFound(f"{pod.name} has ended") from None
    except (OSError, ValueError) as exc:
        raise Unavailable(f"{pod.name}: its state cannot be read: {exc}") from exc
    try:
        # Held by the descriptor, the process is the same from here on: now see whether it is the right one.
        if proc.start_ticks(running.pid) != running.ticks:
            raise NotFound(f"{pod.name} has ended")
        return PodProcess(
            pidfd, str(running.working_dir), environment(running.pid, pod), frozenset(os.sched_getaffinity(running.pid))
        )
    except OSError:
        os.close(pidfd)
        raise NotFound(f"{pod.name} has ended") from None
    except BaseException:
        os.close(pidfd)
        raise


def environment(pid: int, pod: PodRef) -> dict[str, str]:
    """Raises OSError when the process has ended."""
    for _ in range(LOOKS):
        found = read_environment(pid)
        if "POD_NAME" in found:
            return found
        time.sleep(PAUSE_SECONDS)
    own = {"JOB_ID": pod.job_id, "JOB_ATTEMPT": str(pod.attempt), "POD_NAME": pod.name}
    return inherited() | {"PATH": search_path()} | own


def read_environment(pid: int) -> dict[str, str]:
    entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    pairs = (entry.partition(b"=") for entry in entries)
    return {os.fsdecode(name): os.fsdecode(value) for name, equals, value in pairs if name and equals}
