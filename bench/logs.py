"""How quickly, and how much, of a log reaches its followers.

    python -m bench.logs [--url … --user … --password …]

1. Delay from a line's print to its arrival over `follow=true`. Each line is the printer's clock, so both ends must be
   on one machine. Baseline: the same line through a pipe and a loopback TCP connection by hand.
2. MB/s of a large log to one follower that is there from the beginning, from a quick printer and from a Python one.
   Baseline: the same command into a bare pipe.
3. Many followers of one pod: every line reaches every one of them, and how late.
4. Many followers of one log: MB/s of all of them together, and what each costs (followers.py).
5. A huge log: its last lines, a time in it, a keyword through all of it (large_log.py). --gigabytes 0 leaves it out;
   it takes twice as much disk.
"""

import argparse
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench import followers, harness, large_log
from bench.harness import BenchFailed, Client

PYTHON = str(Path(sys.executable).resolve())
STAMP = 20  # bytes of a line that is a clock: 19 digits and a newline
BLOCK = 1 << 20
CONNECT_SECONDS = 0.03  # what one follower is given before the printing begins
CLOCKS = """
import sys, time
time.sleep(max(0.0, float(sys.argv[3]) - time.time()))
for _ in range(int(sys.argv[1])):
    print(time.time_ns(), flush=True)
    time.sleep(float(sys.argv[2]))
"""
LINES = """
import sys
line = "epoch 12 step 3456 loss 0.123456 accuracy 0.987654 learning rate 0.001 examples 1234567"
for _ in range(int(sys.argv[1]) // (len(line) + 1)):
    print(line)
"""


def clocks(number: int, pause: float, begin: float = 0.0) -> list[str]:
    """Prints so many clocks from `begin` (seconds since 1970) on."""
    return [PYTHON, "-I", "-c", CLOCKS, str(number), str(pause), str(begin)]


def quick(size: int) -> list[str]:
    return ["sh", "-c", f"yes 'epoch 12 step 3456 loss 0.123456 accuracy 0.987654' | head -c {size}"]


def slow(size: int) -> list[str]:
    """Two writes a line: the pool sets PYTHONUNBUFFERED, so that a line is seen when it is printed."""
    return [PYTHON, "-S", "-c", LINES, str(size)]


def buffered(size: int) -> list[str]:
    """The same without the variable (-I): Python gathers 8 KiB before it writes."""
    return [PYTHON, "-I", "-S", "-c", LINES, str(size)]


def pod_log(job_id: str) -> str:
    return f"/api/jobs/{job_id}/pods/{job_id}-1-0/logs?follow=true"


def delay(line: bytes) -> float:
    return (time.time_ns() - int(line)) / 1e9


# 1. Delay.


def followed_delays(client: Client, number: int, pause: float) -> list[float]:
    follower = client.clone()
    job_id = client.create(clocks(number, pause), name="bench-delay")
    response = follower.stream(pod_log(job_id), Accept="text/plain")
    delays = [delay(line) for line in iter(response.readline, b"")]
    follower.close()
    if len(delays) != number:
        raise BenchFailed(f"{len(delays)} of {number} lines arrived")
    return delays


def bare_delays(number: int, pause: float) -> list[float]:
    """The same printer; a thread copies its pipe to a loopback connection."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as reader:
        writer = server.accept()[0]
        writer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with subprocess.Popen(clocks(number, pause), stdout=subprocess.PIPE) as process:
            copier = threading.Thread(target=copy, args=(process.stdout, writer))
            copier.start()
            delays = [delay(line) for line in reader.makefile("rb")]
            copier.join()
    return delays


def copy(lines: Iterable[bytes], writer: socket.socket) -> None:
    with writer:
        for line in lines:
            writer.sendall(line)


# 2. Throughput.


def followed_rate(client: Client, command: list[str], size: int) -> float:
    """MB/s from the first byte to the last."""
    follower = client.clone()
    job_id = client.create(command, name="bench-throughput")
    response = follower.stream(pod_log(job_id), Accept="text/plain")
    received = len(response.read1(BLOCK))
    started, first = time.perf_counter(), received
    while data := response.read1(BLOCK):
        received += len(data)
    seconds = time.perf_counter() - started
    follower.close()
    if received < size * 0.999:
        raise BenchFailed(f"{received} of {size} bytes arrived")
    return (received - first) / seconds / 1e6


def bare_rate(command: list[str]) -> float:
    """MB/s into a pipe, in the environment that the pool gives its jobs."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0, env=environment) as process:
        assert process.stdout is not None
        received = first = len(process.stdout.read(BLOCK))
        started = time.perf_counter()
        while data := process.stdout.read(BLOCK):
            received += len(data)
        return (received - first) / (time.perf_counter() - started) / 1e6


# 3. Many followers.


@dataclass(slots=True)
class Follower:
    """One raw connection, so that a hundred of them cost the machine little beside the server's own work."""

    socket: socket.socket
    raw: bytes = b""
    body: bytes = b""
    delays: list[float] = field(default_factory=list)
    in_body: bool = False

    def receive(self) -> bool:
        """Whether there may be more."""
        data = self.socket.recv(BLOCK)
        self.raw += data
        if not self.in_body and b"\r\n\r\n" in self.raw:
            self.in_body, self.raw = True, self.raw.partition(b"\r\n\r\n")[2]
        over = not data
        while self.in_body and b"\r\n" in self.raw:
            head, _, rest = self.raw.partition(b"\r\n")
            size = int(head, 16)
            if len(rest) < size + 2:
                break
            over = over or not size
            self.body, self.raw = self.body + rest[:size], rest[size + 2 :]
        self.delays += [delay(line) for line in self.lines()]
        return not over

    def lines(self) -> Iterator[bytes]:
        while len(self.body) >= STAMP:
            yield self.body[:STAMP]
            self.body = self.body[STAMP:]


def many_delays(client: Client, followers: int, number: int, pause: float) -> list[float]:
    begin = time.time() + 2.0 + CONNECT_SECONDS * followers
    job_id = client.create(clocks(number, pause, begin), name="bench-fan-out")
    with selectors.DefaultSelector() as selector:
        all_followers = [connect(client, job_id) for _ in range(followers)]
        for one in all_followers:
            selector.register(one.socket, selectors.EVENT_READ, one)
        while selector.get_map():
            for key, _ in selector.select(60):
                if not key.data.receive():
                    selector.unregister(key.fileobj)
                    key.data.socket.close()
    short = [len(one.delays) for one in all_followers if len(one.delays) != number]
    if short:
        raise BenchFailed(f"{len(short)} of {followers} followers did not get all of {number} lines: {short[:5]}")
    return [one for follower in all_followers for one in follower.delays]


def connect(client: Client, job_id: str) -> Follower:
    made = socket.create_connection(client.address)
    host = f"{client.address[0]}:{client.address[1]}"
    made.sendall(
        f"GET {pod_log(job_id)} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {client.token}\r\n"
        "Accept: text/plain\r\n\r\n".encode()
    )
    return Follower(made)


def report_rate(name: str, rates: list[float], bare: list[float]) -> None:
    middle, baseline = harness.percentile(rates, 50), harness.percentile(bare, 50)
    print(
        f"{name:<44} n={len(rates):<6} median {middle:8.1f} MB/s  worst {min(rates):8.1f} MB/s  "
        f"bare pipe {baseline:8.1f} MB/s ({middle / baseline:.2f} x)"
    )


def main() -> None:
    parser = harness.arguments(__doc__ or "")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--lines", type=int, default=1000, help="printed for the delay")
    parser.add_argument("--pause", type=float, default=0.01, help="seconds between two of them")
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--followers", type=int, default=100)
    parser.add_argument("--fan-out-lines", type=int, default=200)
    parser.add_argument("--fan-out-pause", type=float, default=0.05)
    parser.add_argument("--gigabytes", type=float, default=10.0, help="of the huge log")
    parser.add_argument("--rest", type=float, default=60.0, help="seconds in which the huge log is packed")
    parser.add_argument("--followed-megabytes", type=int, default=20, help="of the log that many follow")
    parser.add_argument("--only-followers", action="store_true", help="leave out all but the many followers of one log")
    parser.add_argument("--only-huge", action="store_true", help="leave out all but the huge log")
    options = parser.parse_args()
    client = harness.client(options)
    print(harness.machine())
    if not (options.only_huge or options.only_followers):
        report_following(client, options)
    if not options.only_huge:
        followers.report(client, options.followers, options.followed_megabytes)
    if options.gigabytes and not options.only_followers:
        large_log.report(client, options.gigabytes, options.rest)


def report_following(client: Client, options: argparse.Namespace) -> None:
    bare = bare_delays(options.lines, options.pause)
    print(harness.milliseconds("pipe and loopback TCP (baseline)", bare))
    followed = followed_delays(client, options.lines, options.pause)
    print(harness.milliseconds("line printed to line received", followed, bare))
    size = options.megabytes * 1_000_000
    for name, command in (
        ("a quick printer", quick(size)),
        ("a Python printer", slow(size)),
        ("a Python printer that buffers", buffered(size)),
    ):
        pipes = [bare_rate(command) for _ in range(options.rounds)]
        rates = [followed_rate(client, command, size) for _ in range(options.rounds)]
        report_rate(f"{options.megabytes} MB to one follower, {name}", rates, pipes)
    late = many_delays(client, options.followers, options.fan_out_lines, options.fan_out_pause)
    print(harness.milliseconds(f"{options.followers} followers of one pod, every line", late, bare))


if __name__ == "__main__":
    main()
