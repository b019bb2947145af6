"""What the server does for each page of a registry with very many jobs: time, queries, bytes. A row of bench.pages.

The platform runs on a fresh instance whose database is filled. The baseline is daphne with a bare ASGI view.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench import harness, instance, seed
from bench.harness import BenchFailed, Client

WARM, CALLS = 5, 40
BEFORE_LAST = 1000  # so many jobs before the newest one


@dataclass(frozen=True, slots=True)
class Facts:
    """The cookie of a session, and how many queries each page makes."""

    cookie: str
    queries: dict[str, int]


def paths(jobs: int) -> dict[str, str]:
    job = f"job-{jobs:016d}"
    three = "&".join(f"ids=job-{jobs - BEFORE_LAST * number:016d}" for number in range(3))
    return {
        "jobs": "/",
        "jobs, failed": "/?status=Failed",
        "jobs, a rare keyword": f"/?keyword={seed.RARE}",
        "jobs, page 10,000": "/?page=10000",
        "jobs, the rows alone": "/jobs/rows",
        "job": f"/jobs/{job}",
        **{f"job, {tab}": f"/jobs/{job}?tab={tab}" for tab in ("metrics", "events", "spec", "audit")},
        "compare three": f"/jobs/compare?{three}",
        "create": "/jobs/new",
        "create, as another job": f"/jobs/new?from={job}",
        "templates": "/templates",
        "pools": "/pools",
        "account": "/account",
        "admin, overview": "/admin/",
        "admin, jobs": "/admin/jobs/job/",
        "admin, failed jobs": "/admin/jobs/job/?status__exact=Failed",
        "admin, jobs with a rare keyword": f"/admin/jobs/job/?q={seed.RARE}",
        "admin, pools": "/admin/jobs/resourcepool/",
        "admin, audit": "/admin/jobs/auditentry/",
    }


def facts_of(data_dir: Path, wanted: list[str]) -> Facts:
    command = [sys.executable, "-m", "bench.page_queries", *wanted]
    environment = {**os.environ, "DATA_DIR": str(data_dir)}
    result = subprocess.run(command, cwd=instance.ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    told = json.loads(result.stdout)
    refused = {path: status for path, (status, _queries) in told["pages"].items() if status != 200}
    if refused:
        raise BenchFailed(f"pages that were not served: {refused}")
    return Facts(told["cookie"], {path: queries for path, (_status, queries) in told["pages"].items()})


def fetched(client: Client, path: str, cookie: str) -> bytes:
    reply = client.call("GET", path, Cookie=cookie, Accept="text/html")
    if reply.status != 200 or not isinstance(reply.body, bytes):
        raise BenchFailed(f"{path}: HTTP {reply.status}")
    return reply.body


def timed(client: Client, path: str, cookie: str) -> tuple[list[float], bytes]:
    page = b""
    for _ in range(WARM):
        page = fetched(client, path, cookie)
    seconds: list[float] = []
    for _ in range(CALLS):
        with harness.stopwatch(seconds):
            fetched(client, path, cookie)
    return seconds, page


def baseline() -> list[float]:
    seconds: list[float] = []
    with instance.bare() as client, closing(client):
        for _ in range(WARM + CALLS):
            with harness.stopwatch(seconds):
                client.call("POST", "/", {"jobName": "bench"}).data()
    return seconds[WARM:]


def report(jobs: int, directory: str | None = None) -> None:
    floor = baseline()
    print(harness.milliseconds("bare ASGI view on daphne", floor))
    with tempfile.TemporaryDirectory(prefix="bench-pages-", dir=directory) as name:
        data_dir = Path(name)
        with instance.platform(data_dir):
            pass  # makes the database, the admin, the pool
        seed.drain(data_dir / "platform.sqlite3")
        seed.seed(data_dir / "platform.sqlite3", jobs)
        wanted = paths(jobs)
        with instance.platform(data_dir) as client:
            facts = facts_of(data_dir, list(wanted.values()))
            client.token = ""
            print(f"{jobs:,} jobs")
            for page_name, path in wanted.items():
                seconds, page = timed(client, path, facts.cookie)
                sizes = f"{len(page) / 1000:6.1f} kB, {len(gzip.compress(page)) / 1000:5.1f} kB as gzip"
                print(f"{harness.milliseconds(page_name, seconds, floor)}  {facts.queries[path]:3} queries  {sizes}")
