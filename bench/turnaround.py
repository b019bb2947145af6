"""How quickly a job gets going, and how many a minute go through.

    python -m bench.turnaround [--url … --user … --password …]

1. create → first log line, as one client sees it: POST /api/jobs/create, then GET …/logs?follow=true of the job's
   first pod (its name is known from the id), until the first line has arrived. The command is Python printing one
   line. Baseline: the same command spawned by hand, until its first line.
2. N jobs of `true` submitted at once by 8 clients: from the first create until the list says that all have ended.
   Baseline: N bare spawns of `true`.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import harness
from bench.harness import BenchFailed, Client

PYTHON = str(Path(sys.executable).resolve())
PRINT = [PYTHON, "-I", "-S", "-c", "print('first line', flush=True)"]


def first_line(client: Client, seconds: list[float]) -> None:
    follower = client.clone()
    with harness.stopwatch(seconds):
        job_id = client.create(PRINT, name="turnaround")
        response = follower.stream(f"/api/jobs/{job_id}/pods/{job_id}-1-0/logs?follow=true")
        line = response.readline()
    if line != b"first line\n":
        raise BenchFailed(f"expected the first line, got {line!r}")
    response.read()
    follower.close()
    client.wait(job_id)


def spawn(seconds: list[float]) -> None:
    with harness.stopwatch(seconds), subprocess.Popen(PRINT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()


def submit_all(client: Client, number: int, clients: int) -> None:
    def submit(count: int) -> None:
        own = client.clone()
        for _ in range(count):
            own.create(["true"], name="burst", labels={"bench": "turnaround"})
        own.close()

    shares = [number // clients + (one < number % clients) for one in range(clients)]
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(submit, shares))


def succeeded(client: Client) -> int:
    body = {"status": "Succeeded", "pageSize": 1}
    total: int = client.call("POST", "/api/jobs", body).data()["totalCount"]
    return total


def active(client: Client) -> int:
    body = {"status": ["Pending", "Queued", "Starting", "Running", "Stopping"], "pageSize": 1}
    total: int = client.call("POST", "/api/jobs", body).data()["totalCount"]
    return total


def burst(client: Client, number: int, clients: int) -> tuple[float, float]:
    """Seconds until all were accepted, and until all had succeeded."""
    before = succeeded(client)
    started = time.perf_counter()
    submit_all(client, number, clients)
    accepted = time.perf_counter() - started
    while active(client):
        time.sleep(0.05)
    done = time.perf_counter() - started
    if succeeded(client) - before != number:
        raise BenchFailed(f"only {succeeded(client) - before} of {number} jobs succeeded")
    return accepted, done


def bare_burst(number: int) -> float:
    started = time.perf_counter()
    for _ in range(number):
        subprocess.run(["true"], check=True)
    return time.perf_counter() - started


def main() -> None:
    parser = harness.arguments(__doc__ or "")
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    client = harness.client(options)
    print(harness.machine())
    bare: list[float] = []
    whole: list[float] = []
    for _ in range(3):
        first_line(client, [])
    for _ in range(options.samples):
        spawn(bare)
        first_line(client, whole)
    print(harness.milliseconds("spawn of Python to first line (baseline)", bare))
    print(harness.milliseconds("create to first line at a follower", whole, bare))
    for _ in range(options.rounds):
        accepted, done = burst(client, options.jobs, options.clients)
        spawned = bare_burst(options.jobs)
        print(
            f"{options.jobs} jobs of `true` at once: accepted in {accepted:.2f} s, all ended after {done:.2f} s = "
            f"{options.jobs / done * 60:.0f} a minute; as many bare spawns {spawned:.2f} s, {done / spawned:.1f} x"
        )


if __name__ == "__main__":
    main()
