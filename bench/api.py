"""What the calls cost as the registry grows: create, list, detail, a rare keyword, by number of jobs.

    python -m bench.api [--sizes 1000,10000,100000,1000000] [--calls 200]
    python -m bench.api --url http://127.0.0.1:8080        a running instance, as it is

Without --url it starts the whole platform in a directory of its own and fills its database between the sizes. One
client, then 16 at once for create and list. The pool is drained, so that what is measured is the call and not the jobs.
Baselines of the same run: daphne with a bare ASGI view, and the statements of each call by hand on the same database
file.
"""

import argparse
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bench import harness, instance, seed
from bench.harness import BenchFailed, Client

CLIENTS = 16
Call = Callable[[Client], None]


def create(client: Client) -> None:
    body = {
        "jobName": "bench", "image": "registry/image:tag", "command": ["python", "train.py"],
        "resourcePoolId": "local", "queue": "default",
    }  # fmt: skip
    require(client.call("POST", "/api/jobs/create", body).status == 201)


def search(**query: Any) -> Call:
    def call(client: Client) -> None:
        require(bool(client.call("POST", "/api/jobs", query).data()["jobs"]))

    return call


def detail(job_id: str) -> Call:
    def call(client: Client) -> None:
        client.detail(job_id)

    return call


def bare(client: Client) -> None:
    client.call("POST", "/", {"jobName": "bench"}).data()


def require(fine: bool) -> None:
    if not fine:
        raise BenchFailed("an answer was not what it should be")


def one_client(client: Client, call: Call, calls: int) -> list[float]:
    seconds: list[float] = []
    for _ in range(10):
        call(client)
    for _ in range(calls):
        with harness.stopwatch(seconds):
            call(client)
    return seconds


def many_clients(client: Client, call: Call, calls: int) -> tuple[list[float], float]:
    """The seconds of each call, and calls a second in all."""
    ready = threading.Barrier(CLIENTS + 1)

    def work(_number: int) -> list[float]:
        seconds: list[float] = []
        with closing(client.clone()) as own:
            call(own)
            ready.wait()
            for _ in range(calls):
                with harness.stopwatch(seconds):
                    call(own)
        return seconds

    with ThreadPoolExecutor(CLIENTS) as threads:
        pending = [threads.submit(work, number) for number in range(CLIENTS)]
        ready.wait()
        started = time.perf_counter()
        seconds = [second for each in pending for second in each.result()]
    return seconds, len(seconds) / (time.perf_counter() - started)


def by_hand(database: Path | None, calls: int) -> dict[str, list[float]]:
    """The statements of each call on the instance's own file, with its own pragmas."""
    if database is None:
        return {}
    with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        return {
            name: [timed(connection, statements) for _ in range(calls)] for name, statements in seed.BY_HAND.items()
        }


def timed(connection: sqlite3.Connection, statements: tuple[str, ...]) -> float:
    started = time.perf_counter()
    for statement in statements:
        connection.execute(statement).fetchall()
    return time.perf_counter() - started


def measure(client: Client, calls: int, database: Path | None, floor: list[float]) -> None:
    first = client.call("POST", "/api/jobs", {"pageSize": 1}).data()
    print(f"\n{first['totalCount']:,} jobs")
    raw = by_hand(database, calls)
    calls_by_name: dict[str, Call] = {
        "list, first page of 10": search(pageNumber=1, pageSize=10),
        "detail": detail(first["jobs"][0]["jobId"]),
        "create": create,
    }
    if database is not None:
        calls_by_name["rare keyword"] = search(keyword=seed.RARE)
    for name, call in calls_by_name.items():
        print(harness.milliseconds(name, one_client(client, call, calls), floor))
        if name in raw:
            print(harness.milliseconds("    its SQL by hand", raw[name]))
    for name in ("list, first page of 10", "create"):
        seconds, rate = many_clients(client, calls_by_name[name], max(10, calls // 4))
        print(harness.milliseconds(f"{name}, {CLIENTS} clients", seconds) + f"  {rate:7.0f} a second")


@contextmanager
def baseline(calls: int) -> Iterator[list[float]]:
    with instance.bare() as client:
        seconds = one_client(client, bare, calls)
        _all, rate = many_clients(client, bare, calls)
    print(harness.milliseconds("bare ASGI view on daphne", seconds) + f"  {CLIENTS} clients: {rate:.0f} a second")
    yield seconds


def fresh(options: argparse.Namespace, floor: list[float]) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-api-", dir=options.directory) as directory:
        data_dir = Path(directory)
        database = data_dir / "platform.sqlite3"
        with instance.platform(data_dir):
            pass  # makes the database, the admin, the pool
        seed.drain(database)
        for size in sorted(int(size) for size in options.sizes.split(",")):
            started = time.perf_counter()
            seed.seed(database, size)
            print(f"\nfilled in {time.perf_counter() - started:.1f} s", end="")
            with instance.platform(data_dir) as client:
                measure(client, options.calls, database, floor)


def main() -> None:
    parser = harness.arguments(__doc__ or "")
    parser.set_defaults(url="")
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--directory", help="where to put the fresh instance: a million jobs take 800 MB")
    options = parser.parse_args()
    print(harness.machine())
    with baseline(options.calls) as floor:
        if options.url:
            measure(harness.client(options), options.calls, None, floor)
        else:
            fresh(options, floor)


if __name__ == "__main__":
    main()
