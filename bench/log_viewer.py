"""The log's page in a real browser: how soon a huge log is open, and how smoothly a million lines scroll.

A log is open when its last line is drawn; that is timed from the click on, page and scripts included. Frames are those
of the compositor's trace while the wheel turns, beside those of a page of plain text of the same look that is scrolled
the same way: what the machine can draw.
"""

import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import BrowserContext, Page

from bench import harness
from bench.browser import drawn_frames
from bench.harness import BenchFailed, Client

LINES = 1_000_000
OPENINGS = 15
SECONDS = 4
SPEEDS = {"slowly": 1_500, "quickly": 6_000, "flung": 60_000}  # pixels a second
PRINT_SECONDS = 300
LINE = "2026-01-15 10:00:00 INFO trainer step=%d epoch=3 loss=0.123456 accuracy=0.9876 lr=1.00e-04 rate=812.4"
PRINTER = """
import sys, time
line, size, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
number = written = 0
while written < size or number < count:
    block = "".join(line % (number + one) + "\\n" for one in range(1, 10001))
    number += 10000
    written += sys.stdout.write(block)
sys.stdout.flush()
time.sleep(3600)
"""
# Of the last line that the API knows, in milliseconds since the navigation began.
DRAWN = """(text) => new Promise((done) => {
    const look = () => {
        const row = document.querySelector(".log-layer")?.lastElementChild;
        if (row?.querySelector(".log-text").textContent === text) done(performance.now());
        else requestAnimationFrame(look);
    };
    look();
})"""
PLAIN = """([line, count]) => {
    const rows = Array.from({length: count}, (_, at) => line.replace("%d", at)).join("\\n");
    document.body.innerHTML = "<pre id=plain></pre>";
    document.getElementById("plain").textContent = rows;
}"""
PLAIN_LINES = 20_000  # a browser lays out no more of them at once


@contextmanager
def printed(client: Client, *, size: int, lines: int) -> Iterator[str]:
    """The job, once its pod has printed that much; it stays until the block is left."""
    command = [str(Path(sys.executable).resolve()), "-I", "-c", PRINTER, LINE, str(size), str(lines)]
    job_id = client.create(command, name="bench-log-viewer")
    try:
        deadline = time.monotonic() + PRINT_SECONDS
        while True:
            reply = client.call("GET", f"/api/jobs/{job_id}/pods/{job_id}-1-0/logs?tailLines=1&lineNumbers=true")
            data = reply.data() if reply.status == 200 else {}
            if data.get("totalBytes", 0) >= size and data.get("firstLine", 0) >= lines:
                break
            if time.monotonic() > deadline:
                raise BenchFailed(f"{shlex.join(command)} did not print that in {PRINT_SECONDS} s")
            time.sleep(0.2)
        yield job_id
    finally:
        client.call("DELETE", f"/api/jobs/{job_id}")


def page_of(job_id: str) -> str:
    return f"/jobs/{job_id}/pods/{job_id}-1-0/logs"


def openings(context: BrowserContext, client: Client, job_id: str) -> list[float]:
    """Seconds, each in a tab of its own; the browser has the scripts by then."""
    last = client.call("GET", f"/api/jobs/{job_id}/pods/{job_id}-1-0/logs?tailLines=1").data()["logs"].rstrip("\n")
    seconds: list[float] = []
    for _ in range(OPENINGS + 1):
        page = context.new_page()
        page.goto(page_of(job_id), wait_until="commit")
        seconds.append(float(page.evaluate(DRAWN, last)) / 1e3)
        page.close()
    return seconds[1:]


def scrolled(page: Page, speed: int) -> list[float]:
    session = page.context.new_cdp_session(page)
    with drawn_frames(page) as frames:
        session.send(
            "Input.synthesizeScrollGesture",
            {"x": 600, "y": 500, "yDistance": -speed * SECONDS, "speed": speed, "gestureSourceType": "mouse"},
        )
    session.detach()
    return frames


def report_frames(name: str, frames: list[float]) -> None:
    if len(frames) < 2:
        raise BenchFailed(f"{name}: nothing was drawn")
    gaps = [after - before for before, after in pairwise(frames)]
    rate = len(gaps) / (frames[-1] - frames[0])
    print(harness.milliseconds(f"{name}: between two frames", gaps) + f"  {rate:5.1f} frames/s")


def report(client: Client, context: BrowserContext, gigabytes: float) -> None:
    with printed(client, size=int(gigabytes * 1e9), lines=0) as job_id:
        print(harness.milliseconds(f"a log of {gigabytes:g} GB is open", openings(context, client, job_id)))
    page = context.new_page()
    page.goto("/account")
    page.evaluate(PLAIN, [LINE, PLAIN_LINES])
    for speed in SPEEDS.values():
        report_frames(f"plain text at {speed:,} px/s", scrolled(page, speed))
        page.evaluate("scrollTo(0, 0)")
    with printed(client, size=0, lines=LINES) as job_id:
        page.goto(f"{page_of(job_id)}#L1000")
        page.locator(".log-row.is-chosen:not(.is-missing)").wait_for()
        for name, speed in SPEEDS.items():
            report_frames(f"{LINES:,} lines {name}, {speed:,} px/s", scrolled(page, speed))
    page.close()
