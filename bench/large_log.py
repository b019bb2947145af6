"""How quickly a huge log is read: its end, a time in it, a keyword through all of it. Rows of bench.logs.

A job prints the log and the same bytes into a file beside it, which grep searches for the baseline. What the platform
has packed by then it reads packed; the second round is after a rest, in which it packs what is left. There the file
packed as the log is, unpacked into grep, is a second baseline.
"""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import zstandard

from bench import harness
from bench.harness import BenchFailed, Client

READS = 50
LEVEL = 1  # the log store's
UNPACK = """
import sys, zstandard
with open(sys.argv[1], "rb") as file:
    zstandard.ZstdDecompressor().copy_stream(file, sys.stdout.buffer)
"""
PRINT_SECONDS = 1800.0
KEYWORDS = {
    "in ten lines": "NCCL watchdog",
    "in a line of 1,000": "step=77 ",
    "in no line": "CUDA error: out of memory",
}
PRINTER = """
import os, random, sys, time
twin, size = sys.argv[1], int(sys.argv[2])
random.seed(1)
lines = [
    b"2026-01-15 10:%02d:%02d INFO trainer step=%d epoch=%d loss=%.6f accuracy=%.4f lr=%.2e\\n"
    % (n % 60, n % 59, n % 1000, n % 90, random.random(), random.random(), random.random())
    for n in range(180000)
]
block = b"".join(lines)
rare = b"2026-01-15 10:59:59 ERROR NCCL watchdog timeout on rank 3\\n"
left, since = size, 0
with open(twin, "wb", buffering=0) as file:
    while left > 0:
        if since >= size // 10:
            data, since = rare, 0
        else:
            data = block[:left]
        for out in (file.fileno(), 1):
            view = memoryview(data)
            while view:
                view = view[os.write(out, view):]
        left, since = left - len(data), since + len(data)
while os.path.exists(twin):
    time.sleep(0.1)
"""


@contextmanager
def printed(client: Client, size: int) -> Iterator[tuple[str, Path]]:
    """The address of the log of a job that has printed so much and waits, and the file with the same bytes."""
    directory = Path(tempfile.mkdtemp(prefix="bench-log-"))
    twin = directory / "twin"
    command = [str(Path(sys.executable).resolve()), "-I", "-c", PRINTER, str(twin), str(size)]
    job_id = client.create(command, name="bench-large-log")
    path = f"/api/jobs/{job_id}/pods/{job_id}-1-0/logs"
    try:
        deadline = time.monotonic() + PRINT_SECONDS
        while size_of(client, path) < size:
            if time.monotonic() > deadline:
                raise BenchFailed(f"{job_id} did not print {size} bytes in {PRINT_SECONDS} s")
            time.sleep(0.2)
        yield path, twin
    finally:
        shutil.rmtree(directory)  # lets the job end
        client = client.clone()
        client.wait(job_id)
        client.call("DELETE", f"/api/jobs/{job_id}")


def size_of(client: Client, path: str) -> int:
    reply = client.call("GET", f"{path}?tailLines=1")
    return int(reply.data()["totalBytes"]) if reply.status == 200 else 0


def reads(client: Client, path: str, queries: list[str]) -> list[float]:
    seconds: list[float] = []
    for query in queries:
        with harness.stopwatch(seconds):
            data = client.call("GET", f"{path}?{query}").data()
        if not data["logs"]:
            raise BenchFailed(f"{query} found nothing")
    return seconds


def times(client: Client, path: str) -> list[str]:
    """At random between the first line's time and the last one's, but for the last hundredth."""
    ends = [time_of(client, path, query) for query in ("limitBytes=64", "tailLines=1")]
    span = ends[1] - ends[0]
    found = [datetime.fromtimestamp(ends[0] + random.random() * span * 0.99, UTC) for _ in range(READS)]
    return [f"{one:%Y-%m-%dT%H:%M:%S.%f}Z" for one in found]


def time_of(client: Client, path: str, query: str) -> float:
    text = client.call("GET", f"{path}?timestamps=true&{query}").data()["logs"]
    return datetime.fromisoformat(text[:19] + "+00:00").timestamp()


def searched(client: Client, path: str, keyword: str) -> tuple[int, float]:
    """How many lines hold the keyword, and the seconds that all calls took together."""
    client = client.clone()  # the server closes a connection on which nothing was asked for while grep ran
    started, cursor = time.perf_counter(), ""
    while True:
        data = client.call("GET", f"{path}/search?order=oldest&limit=0&keyword={quote(keyword)}{cursor}").data()
        if data["finished"]:
            return int(data["total"]), time.perf_counter() - started
        cursor = f"&cursor={data['cursor']}"


def grepped(twin: Path, keyword: str) -> tuple[int, float]:
    started = time.perf_counter()
    result = subprocess.run(["grep", "-F", "-c", keyword, str(twin)], stdout=subprocess.PIPE, check=False)
    return int(result.stdout), time.perf_counter() - started


def packed(twin: Path) -> Path:
    path = twin.with_suffix(".zst")
    with twin.open("rb") as file, path.open("wb") as out:
        zstandard.ZstdCompressor(level=LEVEL).copy_stream(file, out)
    return path


def unpacked_and_grepped(path: Path, keyword: str) -> tuple[int, float]:
    started = time.perf_counter()
    command = [
        shutil.which("zstd") or sys.executable,
        *(["-dcq"] if shutil.which("zstd") else ["-c", UNPACK]),
        str(path),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as unpacking:
        grep = ["grep", "-F", "-c", keyword]
        result = subprocess.run(grep, stdin=unpacking.stdout, stdout=subprocess.PIPE, check=False)
    return int(result.stdout), time.perf_counter() - started


def report(client: Client, gigabytes: float, rest: float) -> None:
    size = int(gigabytes * 1e9)
    with printed(client, size) as (path, twin):
        report_reads(client, path, f"{gigabytes:g} GB, just printed")
        for name, keyword in KEYWORDS.items():
            report_search(client, path, twin, f"a keyword {name}, just printed", keyword)
        time.sleep(rest)
        state = f"after {rest:.0f} s of rest"
        report_reads(client, path, f"{gigabytes:g} GB, {state}")
        for name, keyword in KEYWORDS.items():
            report_search(client, path, twin, f"a keyword {name}, {state}", keyword)
        small = packed(twin)
        for name, keyword in KEYWORDS.items():
            rate = size / min(unpacked_and_grepped(small, keyword)[1] for _ in range(2)) / 1e9
            print(f"a keyword {name}, zstd -dc | grep -F -c{'':<20} {rate:6.2f} GB/s", flush=True)


def report_reads(client: Client, path: str, name: str) -> None:
    client = client.clone()  # the server closes a connection on which nothing was asked for during the rest
    tails = reads(client, path, ["tailLines=100"] * READS)
    print(harness.milliseconds(f"the last 100 lines of {name}", tails))
    jumps = reads(client, path, [f"sinceTime={one}&limitBytes=65536" for one in times(client, path)])
    print(harness.milliseconds(f"64 KiB from a time in {name}", jumps))


def report_search(client: Client, path: str, twin: Path, name: str, keyword: str) -> None:
    grepped(twin, keyword)  # so that both find their files in memory, as far as they fit
    baseline, found = [grepped(twin, keyword) for _ in range(2)], [searched(client, path, keyword) for _ in range(2)]
    if {lines for lines, _seconds in found} != {baseline[0][0]}:
        raise BenchFailed(f"grep counts {baseline[0][0]} lines with {keyword!r}, the search {found}")
    size = twin.stat().st_size
    rates = [size / min(seconds for _lines, seconds in runs) / 1e9 for runs in (found, baseline)]
    print(
        f"{name:<60} {found[0][0]} lines, {rates[0]:6.2f} GB/s, grep -F -c {rates[1]:6.2f} GB/s "
        f"({rates[0] / rates[1]:.2f} x)",
        flush=True,
    )
