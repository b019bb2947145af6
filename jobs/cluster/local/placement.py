"""Where on this machine an attempt goes: the CPUs of its replicas, the port where they meet.

Two attempts created in the same instant may choose alike; it costs speed, not correctness.
"""

import math
import os
import random
import socket
from collections import Counter
from pathlib import Path

from jobs.cluster.base import AttemptSpec
from jobs.cluster.local.environment import MASTER_ADDR

# Under the range that systems give to outgoing connections, which could take the port before rank 0 does.
PORTS = range(20000, 30000)
PORT_TRIES = 200


def machine_cpus() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def choose_cpus(spec: AttemptSpec, pool_dir: Path) -> list[str]:
    """For each replica the CPUs it is bound to, as "0,3"; empty when it asked for no fewer than there are."""
    available = machine_cpus()
    wanted = math.ceil(spec.resources.cpu_millis / 1000)
    if not wanted or wanted >= len(available) or not hasattr(os, "sched_setaffinity"):
        return [""] * spec.replicas
    used = cpus_in_use(pool_dir)
    chosen = []
    for _ in range(spec.replicas):
        least = sorted(available, key=lambda cpu: (used[cpu], cpu))[:wanted]
        used.update(least)
        chosen.append(",".join(map(str, sorted(least))))
    return chosen


def cpus_in_use(pool_dir: Path) -> "Counter[int]":
    """How many replicas that have not ended are bound to each CPU."""
    used: Counter[int] = Counter()
    for path in pool_dir.glob("*/cpus"):
        try:
            lines = path.read_text().splitlines()
        except FileNotFoundError:
            continue  # forgotten meanwhile
        for replica, line in enumerate(lines):
            if line and not (path.parent / str(replica) / "exit.json").exists():
                used.update(map(int, line.split(",")))
    return used


def choose_port() -> int:
    """A port that is free now; 0 if none was found, and rank 0 then says so itself."""
    for port in random.sample(PORTS, PORT_TRIES):
        with socket.socket() as probe:
            try:
                probe.bind((MASTER_ADDR, port))
            except OSError:
                continue
            return port
    return 0
