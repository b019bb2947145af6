"""Memory of an idle instance and the time from its start until it is ready, beside one bare Django process.

    python -m bench.idle [--runs 5] [--settle 5]

Starts the launcher itself, in a directory of its own: one first start (migrations, first rows) that is not counted as
a second start, then --runs second starts. Memory is PSS (proc(5), smaps_rollup): a page that several processes share
counts once in all.
"""

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.harness import BenchFailed, machine

BASE_DIR = Path(__file__).resolve().parent.parent
START_SECONDS = 120.0
BARE = """
import os, django, time
django.setup()
from django.core.handlers.wsgi import WSGIHandler
WSGIHandler()
print("up", flush=True)
time.sleep(600)
"""


@dataclass(frozen=True)
class Run:
    seconds: float
    memory: Mapping[str, float]  # MiB, by process

    @property
    def total(self) -> float:
        return sum(self.memory.values())


def pss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def descendants(pid: int) -> Iterator[int]:
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield int(child)
        yield from descendants(int(child))


def names(run_dir: Path) -> dict[int, str]:
    return {int(file.read_text()): file.stem for file in run_dir.glob("*.pid")}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def one_run(data_dir: Path, settle: float) -> Run:
    environment = {**os.environ, "DATA_DIR": str(data_dir), "PORT": str(free_port()), "ADMIN_PASSWORD": "bench"}
    began = time.perf_counter()
    launcher = subprocess.Popen(
        [sys.executable, "-m", "jobs_platform.launcher"], cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE
    )
    try:
        assert launcher.stdout is not None
        for line in launcher.stdout:
            if b"Ready in" in line:
                break
        else:
            raise BenchFailed("the launcher ended before it was ready")
        seconds = time.perf_counter() - began
        time.sleep(settle)
        known = names(data_dir / "run")
        family = [launcher.pid, *descendants(launcher.pid)]
        return Run(seconds, {known.get(pid, f"process {pid}"): pss(pid) for pid in family})
    finally:
        launcher.send_signal(signal.SIGINT)
        launcher.communicate(timeout=60)


def bare_django(data_dir: Path) -> Run:
    """The same settings and applications, loaded in one process that does nothing."""
    environment = {
        **os.environ,
        "DATA_DIR": str(data_dir),
        "SECRET_KEY": "only-for-the-bench",
        "DJANGO_SETTINGS_MODULE": "jobs_platform.settings",
    }
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", BARE], cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        if process.stdout.readline() != b"up\n":
            raise BenchFailed("the bare Django process did not start")
        return Run(time.perf_counter() - began, {"django": pss(process.pid)})
    finally:
        process.kill()
        process.communicate()


def main() -> int:
    parser = argparse.ArgumentParser(description="Idle memory and start-up time of an instance.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--settle", type=float, default=5.0, help="seconds from ready until memory is read")
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="bench-idle-") as directory:
        data_dir = Path(directory) / "data"
        first = one_run(data_dir, 0.0)
        pairs = [(one_run(data_dir, options.settle), bare_django(data_dir)) for _ in range(options.runs)]
    report(first, [run for run, _ in pairs], [bare for _, bare in pairs])
    return 0


def report(first: Run, runs: list[Run], bare: list[Run]) -> None:
    for name in runs[-1].memory:
        print(f"  {name:<16}{statistics.median(run.memory.get(name, 0.0) for run in runs):8.1f} MiB")
    memory, alone = ([run.total for run in several] for several in (runs, bare))
    print(f"all processes     {spread(memory)} MiB PSS   (bar 180)")
    print(f"one bare Django   {spread(alone)} MiB PSS, {statistics.median(run.seconds for run in bare):.2f} s")
    print(f"ratio             {statistics.median(memory) / statistics.median(alone):.2f} x one bare Django process")
    print(f"first start       {first.seconds:.2f} s, with migrations")
    print(f"start to ready    {spread([run.seconds for run in runs], 2)} s   (bar 3)")


def spread(values: list[float], digits: int = 1) -> str:
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:8.{digits}f} ({low:.{digits}f} to {high:.{digits}f}, n={len(values)})"


if __name__ == "__main__":
    sys.exit(main())
