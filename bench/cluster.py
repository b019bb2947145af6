"""The cluster double of tests/kube as a process of its own, with simulated pods, and the door by which it is told what
happens to them."""

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.harness import BenchFailed
from bench.instance import ROOT

JOB_LABEL = "jobs-platform/job-id"


@dataclass(frozen=True, slots=True)
class Double:
    url: str

    def tell(self, what: str, **body: Any) -> Any:
        request = urllib.request.Request(f"{self.url}/_control/{what}", json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read())

    def finish(self, job_id: str = "", exit_code: int = 0) -> None:
        """The pods of this job, or all there are, end."""
        labels = {"labels": {JOB_LABEL: job_id}} if job_id else {}
        self.tell("pods/finish", exitCode=exit_code, **labels)

    def requests(self) -> dict[str, int]:
        """How many it has had since it started, by verb and resource."""
        with urllib.request.urlopen(f"{self.url}/_control/requests", timeout=60) as answer:
            seen = json.loads(answer.read())
        return Counter(f"{one['method']} {one['path'].rpartition('/')[2]}{kind(one['query'])}" for one in seen)


def kind(query: dict[str, str]) -> str:
    return " watch" if "watch" in query else " follow" if "follow" in query else ""


@contextmanager
def double(kubeconfig: Path) -> Iterator[Double]:
    kubeconfig.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.kube", "--simulate", "--plain", "--kubeconfig", str(kubeconfig)]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert running.stdout is not None
        url = running.stdout.readline().strip()
        if not url:
            raise BenchFailed("the cluster double did not start")
        yield Double(url)
    finally:
        running.terminate()
        running.wait(60)
