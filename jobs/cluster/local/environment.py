"""The environment of a command on this machine: made from the spec, nothing of the platform's own leaks into it."""

import math
import os
import sys
from pathlib import Path

from jobs.cluster.base import AttemptSpec
from jobs.identifiers import pod_name

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OWN_BIN = str(Path(sys.executable).parent)
MASTER_ADDR = "127.0.0.1"
# Of this machine's user, so that programs find their caches and write where they may.
INHERITED = ("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


def pod_environment(spec: AttemptSpec, replica: int, master_port: int) -> dict[str, str]:
    """Variables of one replica's command; the spec's own win over the platform's."""
    ref = spec.ref
    env = inherited() | {
        "PATH": search_path(),
        "PYTHONUNBUFFERED": "1",
        "JOB_ID": ref.job_id,
        "JOB_ATTEMPT": str(ref.attempt),
        "POD_NAME": pod_name(ref.job_id, ref.attempt, replica),
    }
    if spec.resources.cpu_millis:
        env["OMP_NUM_THREADS"] = str(math.ceil(spec.resources.cpu_millis / 1000))
    if spec.replicas > 1:
        env |= rendezvous(replica, spec.replicas, master_port)
    return env | dict(spec.envs) | dict(spec.secret_envs)


def inherited() -> dict[str, str]:
    defaults = {"LANG": "C.UTF-8", "TMPDIR": "/tmp"}
    return defaults | {name: os.environ[name] for name in INHERITED if os.environ.get(name)}


def search_path() -> str:
    """The machine's, and last the directory of the Python that runs the platform: `python` is found everywhere."""
    path = os.environ.get("PATH", SYSTEM_PATH)
    return path if OWN_BIN in path.split(":") else f"{path}:{OWN_BIN}"


def rendezvous(replica: int, replicas: int, master_port: int) -> dict[str, str]:
    """What torch.distributed and its like read to find each other."""
    return {
        "RANK": str(replica),
        "WORLD_SIZE": str(replicas),
        "LOCAL_RANK": "0",
        "MASTER_ADDR": MASTER_ADDR,
        "MASTER_PORT": str(master_port),
    }
