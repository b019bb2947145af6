"""What a web terminal costs, over its WebSocket and its API.

    python -m bench.terminal [--cycles 200] [--web-pid PID] [--url … --user … --password …]

1. A key pressed → its echo seen, on an idle terminal. Baseline: the same on a bare pseudo-terminal.
2. Output of a program that prints 100 MB, acknowledged as it comes. Baseline: the same read from a bare one.
3. Address asked for → shell ready, and the whole of opening and closing, again and again; with --web-pid also how many
   descriptors and children the web process has before and after.
"""

import argparse
import json
import os
import pty
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from websockets.sync.client import ClientConnection, connect

from bench import harness
from bench.harness import Client

ACK_BYTES = 32 * 1024
TIMEOUT = 30.0
MEGABYTES = 100
PRINT = f"head -c {MEGABYTES}000000 /dev/zero | tr '\\0' a"
CAT = "stty raw -echo; echo ready; exec cat"


@contextmanager
def terminal(client: Client, job_id: str) -> Iterator[ClientConnection]:
    path = f"/api/jobs/{job_id}/pods/{job_id}-1-0/webterminal"
    url = client.call("GET", path).data()["webTerminalUrl"]
    with connect(url, max_size=None, compression=None) as socket:
        while json.loads(socket.recv(TIMEOUT))["operation"] != "ready":
            pass
        socket.send(json.dumps({"operation": "ack", "bytes": 0}))
        yield socket


def until(socket: ClientConnection, mark: bytes) -> None:
    shown = b""
    while mark not in shown:
        frame = socket.recv(TIMEOUT)
        if isinstance(frame, bytes):
            shown += frame
            socket.send(json.dumps({"operation": "ack", "bytes": len(frame)}))


def keys(socket: ClientConnection, number: int) -> list[float]:
    seconds: list[float] = []
    for _ in range(number):
        time.sleep(0.005)
        with harness.stopwatch(seconds):
            socket.send(b"k")
            while not isinstance(frame := socket.recv(TIMEOUT), bytes):
                pass
        socket.send(json.dumps({"operation": "ack", "bytes": len(frame)}))
    return seconds


def flood(socket: ClientConnection) -> float:
    """Seconds from the command to the last byte."""
    began, shown, unsaid = time.perf_counter(), 0, 0
    socket.send(f"stty -echo -opost; {PRINT}; exit\n".encode())
    while True:
        frame = socket.recv(TIMEOUT)
        if isinstance(frame, str):
            break
        shown, unsaid = shown + len(frame), unsaid + len(frame)
        if unsaid >= ACK_BYTES:
            socket.send(json.dumps({"operation": "ack", "bytes": unsaid}))
            unsaid = 0
    assert shown >= MEGABYTES * 1_000_000, shown
    return time.perf_counter() - began


def bare(command: str) -> int:
    """The master side of a pseudo-terminal that the command runs on."""
    pid, master = pty.fork()
    if pid == 0:
        os.execv("/bin/sh", ["sh", "-c", command])
    return master


def bare_keys(number: int) -> list[float]:
    master = bare(CAT)
    tty.setraw(master)
    while b"ready" not in os.read(master, 100):
        pass
    seconds: list[float] = []
    for _ in range(number):
        with harness.stopwatch(seconds):
            os.write(master, b"k")
            os.read(master, 100)
    os.close(master)
    os.wait()
    return seconds


def bare_flood() -> float:
    began = time.perf_counter()
    master = bare(f"stty -opost; {PRINT}")
    with suppress(OSError):  # the end of a terminal
        while os.read(master, 65_536):
            pass
    os.close(master)
    os.wait()
    return time.perf_counter() - began


def holdings(pid: int) -> str:
    """What a process holds."""
    if not pid:
        return ""
    descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    children = len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    status = Path(f"/proc/{pid}/status").read_text()
    memory = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return f"{descriptors} descriptors, {children} children, {int(memory) / 1024:.1f} MiB"


def measure(client: Client, job_id: str, options: argparse.Namespace) -> None:
    baseline = bare_keys(500)
    print(harness.milliseconds("key on a bare terminal", baseline))
    with terminal(client, job_id) as socket:
        socket.send(CAT.encode() + b"\n")
        until(socket, b"ready\n")
        print(harness.milliseconds("key pressed → echo seen", keys(socket, 500), baseline))

    alone = bare_flood()
    with terminal(client, job_id) as socket:
        seconds = flood(socket)
    print(f"{'output, bare terminal':<44} {MEGABYTES / alone:.1f} MB/s")
    print(f"{'output, web terminal':<44} {MEGABYTES / seconds:.1f} MB/s")

    before = holdings(options.web_pid)
    ready: list[float] = []
    whole: list[float] = []
    for _ in range(options.cycles):
        with harness.stopwatch(whole):
            began = time.perf_counter()
            with terminal(client, job_id):
                ready.append(time.perf_counter() - began)
    print(harness.milliseconds("address asked for → shell ready", ready))
    print(harness.milliseconds("opened and closed", whole))
    if before:
        time.sleep(1.0)  # the last one's end
        print(f"web process before: {before}; after: {holdings(options.web_pid)}")


def main() -> None:
    parser = harness.arguments(__doc__ or "")
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--web-pid", type=int, default=0, help="the web process, when it is on this machine")
    options = parser.parse_args()
    print(harness.machine())
    client = harness.client(options)
    # No start-up files of the user whom the platform runs as: a shell is to be measured, and not what they do.
    job_id = client.create(["sleep", "3600"], name="terminal bench", envs=[{"name": "HOME", "value": "/nowhere"}])
    try:
        client.wait(job_id, {"Running"})
        measure(client, job_id, options)
    finally:
        client.call("DELETE", f"/api/jobs/{job_id}")


if __name__ == "__main__":
    main()
