"""How quickly the platform follows a cluster far away, and what that costs: against the cluster double of tests/kube
with simulated pods, in a process of its own.

    python -m bench.reconcile [--database sqlite|postgresql] [--jobs 10000] [--samples 100]

1. One worker alone (bench.passes): status changes a second. Baseline: as many plain UPDATEs on the same database.
2. The whole platform: create → Running as the REST API shows it. Baseline: the same Job by a plain create of the
   official client, until its pod runs; both are asked for every 5 ms.
3. With --jobs active jobs: from a pod's end on the cluster to the job's status in the REST API; then what agent and
   worker use of a core while nothing happens, how often they list, and the agent's memory.

PostgreSQL is a server of its own for the run, with fsync; SQLite is as an instance has it.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench import harness, instance
from bench.cluster import Double, double
from bench.harness import BenchFailed, Client
from bench.idle import descendants, names, pss
from tests.postgresql import server

POLL_SECONDS = 0.005
PAUSE_SECONDS = 0.3  # between two samples: the end of one job's life is not a part of the next one's beginning
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def database(kind: str) -> Iterator[dict[str, str]]:
    """The environment that names it."""
    if kind == "sqlite":
        yield {}
        return
    with server(durable=True) as url:
        yield {"DATABASE_URL": url}


def run(*arguments: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=instance.ROOT, env={**os.environ, **environment}, check=False
    )
    if done.returncode:
        raise BenchFailed(f"{' '.join(arguments)} failed")


def worker_alone(kind: str, jobs: int, directory: Path) -> None:
    with database(kind) as chosen, double(directory / "kubeconfigs" / "double") as cluster:
        environment = {"DATA_DIR": str(directory), "SECRET_KEY": "only-for-the-bench"}
        environment |= {"KUBECONFIG_DIR": str(directory / "kubeconfigs")}
        run("-m", "bench.passes", "measure", str(jobs), cluster.url, **environment, **chosen)


def poll(look: Any, seconds: float = 60.0) -> None:
    deadline = time.perf_counter() + seconds
    while not look():
        if time.perf_counter() > deadline:
            raise BenchFailed("it did not happen within a minute")
        time.sleep(POLL_SECONDS)


def plain_create(api: Any, namespace: str, number: int, seconds: list[float]) -> None:
    from kubernetes import client

    name = f"plain-{number}"
    container = client.V1Container(name="main", image="bench", command=["train"])
    template = client.V1PodTemplateSpec(spec=client.V1PodSpec(restart_policy="Never", containers=[container]))
    job = client.V1Job(metadata=client.V1ObjectMeta(name=name), spec=client.V1JobSpec(template=template))
    core = client.CoreV1Api(api)

    def runs() -> bool:
        pods = core.list_namespaced_pod(namespace, label_selector=f"job-name={name}").items
        return bool(pods) and pods[0].status.phase == "Running"

    with harness.stopwatch(seconds):
        client.BatchV1Api(api).create_namespaced_job(namespace, job)
        poll(runs)
    client.BatchV1Api(api).delete_namespaced_job(name, namespace, propagation_policy="Background")


def to_running(platform: Client, seconds: list[float]) -> None:
    with harness.stopwatch(seconds):
        job_id = platform.create(["train"])
        poll(lambda: platform.detail(job_id)["status"] == "Running")
    platform.call("DELETE", f"/api/jobs/{job_id}")


def overhead(platform: Client, kubeconfig: Path, samples: int) -> None:
    from kubernetes import config

    api = config.new_client_from_config(str(kubeconfig))
    plain: list[float] = []
    ours: list[float] = []
    for number in range(samples):
        plain_create(api, "training", number, plain)
        to_running(platform, ours)
        time.sleep(PAUSE_SECONDS)
    print(harness.milliseconds("plain create to a running pod (baseline)", plain))
    print(harness.milliseconds("create to Running in the REST API", ours, plain))
    print(f"overhead at the median {(statistics.median(ours) - statistics.median(plain)) * 1e3:.0f} ms (bar 100)")


def total(platform: Client, *statuses: str) -> int:
    found: int = platform.call("POST", "/api/jobs", {"status": list(statuses), "pageSize": 1}).data()["totalCount"]
    return found


def fill(platform: Client, jobs: int, environment: dict[str, str]) -> None:
    before = total(platform, "Running")
    began = time.perf_counter()
    run("-m", "bench.passes", "fill", str(jobs), **environment)
    platform.connection.close()  # the server gave up on it meanwhile: the next call opens another
    while (running := total(platform, "Running") - before) < jobs:
        if time.perf_counter() - began > 60 + jobs / 10:
            raise BenchFailed(f"only {running} of {jobs} jobs run")
        time.sleep(0.5)
    print(f"{jobs} jobs submitted and running after {time.perf_counter() - began:.1f} s")


def visible(platform: Client, cluster: Double, samples: int) -> None:
    body = {"status": "Running", "pageSize": 100}
    running = [job["jobId"] for job in platform.call("POST", "/api/jobs", body).data()["jobs"]]
    seconds: list[float] = []
    for job_id in random.sample(running, min(samples, len(running))):
        with harness.stopwatch(seconds):
            cluster.finish(job_id)
            poll(lambda job_id=job_id: platform.detail(job_id)["status"] == "Succeeded")  # type: ignore[misc]
        time.sleep(0.1)
    print(harness.milliseconds("end on the cluster to the REST API (bar 200)", seconds))


def families(data_dir: Path) -> dict[str, list[int]]:
    known = names(data_dir / "run")
    return {name: [pid, *descendants(pid)] for pid, name in known.items() if name in ("agent", "worker")}


def cpu_seconds(pids: list[int]) -> float:
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / TICKS


def idle(data_dir: Path, cluster: Double, seconds: float) -> None:
    found = families(data_dir)
    time.sleep(10)  # what the samples left behind
    before, asked = {name: cpu_seconds(pids) for name, pids in found.items()}, cluster.requests()
    time.sleep(seconds)
    more = Counter(cluster.requests())
    more.subtract(asked)
    shares = {name: (cpu_seconds(pids) - before[name]) / seconds * 100 for name, pids in found.items()}
    told = ", ".join(f"{name} {share:.1f} %" for name, share in sorted(shares.items()))
    print(f"idle for {seconds:.0f} s: {told} of a core, together {sum(shares.values()):.1f} % (bar 20)")
    told = ", ".join(f"{count / seconds * 30:.0f} {what}" for what, count in more.most_common(8) if count)
    print(f"requests in 30 s: {told}")
    print(f"memory of the agent: {sum(map(pss, found['agent'])):.0f} MiB PSS")


def whole_platform(kind: str, options: argparse.Namespace, directory: Path) -> None:
    kubeconfig = directory / "kubeconfigs" / "double"
    with ExitStack() as stack:
        chosen = stack.enter_context(database(kind))
        cluster = stack.enter_context(double(kubeconfig))
        os.environ.update(chosen)
        platform = stack.enter_context(instance.platform(directory))
        secret = {"SECRET_KEY_FILE": str(directory / "secret_key")}
        environment = {"DATA_DIR": str(directory), **secret, **chosen}
        added = ("add_pool", "double", "--kubeconfig", "double", "--default")
        run("manage.py", *added, **environment)
        to_running(platform, [])  # the agent has found its new pool, and the worker has read what it needs
        overhead(platform, kubeconfig, options.samples)
        fill(platform, options.jobs, environment)
        visible(platform, cluster, options.samples)
        idle(directory, cluster, options.idle_seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--idle-seconds", type=float, default=60.0)
    parser.add_argument("--part", choices=("worker", "platform"), action="append")
    options = parser.parse_args()
    print(harness.machine())
    for kind in options.database or ("sqlite", "postgresql"):
        for part in options.part or ("worker", "platform"):
            print(f"\n{kind}, {'one worker alone' if part == 'worker' else 'the whole platform'}", flush=True)
            with tempfile.TemporaryDirectory(prefix="bench-reconcile-") as directory:
                if part == "worker":
                    worker_alone(kind, options.jobs, Path(directory))
                else:
                    whole_platform(kind, options, Path(directory) / "data")
            os.environ.pop("DATABASE_URL", None)


if __name__ == "__main__":
    main()
