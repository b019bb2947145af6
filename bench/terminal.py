"""What a web terminal costs, over its WebSocket and its API.

    python -m bench.terminal [--cycles 200] [--web-pid PID] [--url … --user … --password …]

1. A key pressed → its echo seen, on an idle terminal and while another session prints without end. Baseline: the same
   on a bare pseudo-terminal, each time beside the same load.
2. Output of a program that prints 100 MB, acknowledged as it comes. Baseline: the same read from a bare one.
3. What is held of a program that prints without end for a client that has stopped reading, and by whom.
4. Ctrl-C in the middle of such a flood → the program's end seen.
5. Address asked for → shell ready, and the whole of opening and ending, again and again, every other one with its
   connection lost in between; with the web process on this machine also what it holds before and after.
"""

import argparse
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bench import harness, shells
from bench.harness import BenchFailed, Client
from bench.processes import listener, resident
from bench.shells import Shell

MEGABYTES = 100
PRINT = f"head -c {MEGABYTES}000000 /dev/zero | tr '\\0' a"
ENDLESS = b"""sh -c 'trap "echo st""opped; exit" INT; echo flo""wing; while :; do yes; done'\n"""
STOPPED_SECONDS = 3.0
FLOOD_SECONDS = 0.5
GONE_SECONDS = 15.0
KEYS = 500
PAUSE_SECONDS = 0.005


def keys(press: Callable[[], object]) -> list[float]:
    seconds: list[float] = []
    for _ in range(KEYS):
        time.sleep(PAUSE_SECONDS)
        with harness.stopwatch(seconds):
            press()
    return seconds


def bare_keys() -> list[float]:
    with shells.bare_cat() as master:

        def press() -> None:
            os.write(master, b"k")
            os.read(master, 100)

        return keys(press)


def web_keys(client: Client, job_id: str) -> list[float]:
    with shells.shell(client, job_id) as shell:
        shell.type(shells.CAT.encode() + b"\n")
        shell.until(b"ready\n")

        def press() -> None:
            shell.type(b"k")
            shell.read()

        return keys(press)


def echo(client: Client, job_id: str, beside: str) -> None:
    bare, web = bare_keys(), web_keys(client, job_id)
    print(harness.milliseconds(f"key on a bare terminal{beside}", bare))
    print(harness.milliseconds(f"key pressed → echo seen{beside}", web, bare))
    over = [(harness.percentile(web, percent) - harness.percentile(bare, percent)) * 1e3 for percent in (50, 99)]
    print(f"{f'over the bare terminal{beside}':<44} p50 {over[0]:.2f} ms (3)  p99 {over[1]:.2f} ms (15)")


def bare_output() -> float:
    began = time.perf_counter()
    with shells.bare(f"stty -opost; {PRINT}") as master, suppress(OSError):  # the end of a terminal
        while os.read(master, 65_536):
            pass
    return time.perf_counter() - began


def web_output(shell: Shell) -> float:
    """Seconds from the command to the last byte."""
    began = time.perf_counter()
    shell.type(f"stty -echo -opost; {PRINT}; exit\n".encode())
    shown = shell.until_end()
    assert shown >= MEGABYTES * 1_000_000, shown
    return time.perf_counter() - began


def output(client: Client, job_id: str) -> None:
    bare = bare_output()
    with shells.shell(client, job_id) as shell:
        web = web_output(shell)
    print(f"{'output, bare terminal':<44} {MEGABYTES / bare:.1f} MB/s")
    print(f"{'output, web terminal':<44} {MEGABYTES / web:.1f} MB/s (30)")


def stopped(client: Client, job_id: str, web_pid: int, *, acknowledges: bool) -> None:
    """Everything between the program and the client's eyes is read once the program was told to stop: so much was held
    by the server, and by the kernel for the connection."""
    with shells.shell(client, job_id, acknowledges=acknowledges) as shell:
        shell.type(ENDLESS)
        shell.until(b"flowing")
        before = resident(web_pid)
        time.sleep(STOPPED_SECONDS)
        grown = resident(web_pid) - before
        shell.type(b"\x03")
        held = shell.until(b"stopped")
    how = "that acknowledges" if acknowledges else "that never did"
    told = f", web process {grown / 1e6:+.2f} MB" if web_pid else ""
    print(f"{f'held for a stopped client {how}':<44} {held / 1e6:.2f} MB on the way{told} (2)")


def interrupted(client: Client, job_id: str, tries: int = 10) -> None:
    """A client that reads and acknowledges; from the key to the word of the program's end."""
    seconds: list[float] = []
    with shells.shell(client, job_id) as shell:
        for _ in range(tries):
            shell.type(ENDLESS)
            shell.until(b"flowing")
            deadline = time.monotonic() + FLOOD_SECONDS
            while time.monotonic() < deadline:
                shell.read()
            with harness.stopwatch(seconds):
                shell.type(b"\x03")
                shell.until(b"stopped")
    print(harness.milliseconds("Ctrl-C in a flood → its end seen (300)", seconds))


def cycles(client: Client, job_id: str, number: int, web_pid: int) -> None:
    """Every other one loses its connection and is come back to before it is ended."""
    once(client, job_id, [], dropped=True)  # what is made once stays
    gone(client, job_id)
    before = holdings(web_pid)
    ready: list[float] = []
    whole: list[float] = []
    for number_of_this in range(number):
        with harness.stopwatch(whole):
            once(client, job_id, ready, dropped=number_of_this % 2 == 1)
    print(harness.milliseconds("address asked for → shell ready", ready))
    print(harness.milliseconds("opened, dropped or not, and ended", whole))
    gone(client, job_id)
    if before:
        print(f"web process before: {before}; after {number}: {holdings(web_pid)}")


def once(client: Client, job_id: str, ready: list[float], *, dropped: bool) -> None:
    began = time.perf_counter()
    with shells.shell(client, job_id, queue=None) as shell:
        ready.append(time.perf_counter() - began)
        session = str(shell.ready["sessionId"])
        if dropped:
            shell.drop()
    if dropped:
        with shells.shell(client, job_id, session=session, queue=None) as shell:
            if not shell.ready["resumed"]:
                raise BenchFailed("a dropped session was not come back to")


def gone(client: Client, job_id: str) -> None:
    """Waits until no session is left."""
    deadline = time.monotonic() + GONE_SECONDS
    while sessions := client.call("GET", f"/api/jobs/{job_id}/terminal-sessions").data()["sessions"]:
        if time.monotonic() > deadline:
            raise BenchFailed(f"{len(sessions)} terminals are left")
        time.sleep(0.05)


def holdings(pid: int) -> str:
    """What a process holds."""
    if not pid:
        return ""
    descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
    children = len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return f"{descriptors} descriptors, {threads} threads, {children} children, {resident(pid) / (1 << 20):.1f} MiB"


def measure(client: Client, job_id: str, options: argparse.Namespace) -> None:
    web_pid = options.web_pid or listener(client.url)
    if options.only_cycles:
        cycles(client, job_id, options.cycles, web_pid)
        return
    echo(client, job_id, "")
    with shells.flooding(client, job_id):
        echo(client, job_id, ", beside a flood")
    output(client, job_id)
    for acknowledges in (True, False):
        stopped(client, job_id, web_pid, acknowledges=acknowledges)
    interrupted(client, job_id)
    cycles(client, job_id, options.cycles, web_pid)


def main() -> None:
    parser = harness.arguments(__doc__ or "")
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--only-cycles", action="store_true", help="measure 5 alone")
    parser.add_argument("--web-pid", type=int, default=0, help="the web process; else who listens on this machine")
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
