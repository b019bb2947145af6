"""How soon an open list of jobs shows what changed, in a real browser.

Each time runs from the moment the request is sent, so the request and its commit are in it, until the row stands in the
page. Times of the browser and of the client are the same machine's clock.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from playwright.sync_api import BrowserContext, Page

from bench import harness
from bench.harness import BenchFailed, Client

JOBS = 20
PAUSES = (0.5, 0.7, 0.9, 1.1)  # between two changes, in turn: they fall anywhere between two refreshes
START_SECONDS = 120
SHOWN_MS = 20_000
# Leaves in the page the promise of the time (seconds since 1970) at which an element that matches the selector, and
# holds the word, was first there.
WATCH = """([selector, word, limit]) => {
    window.shown = new Promise((done, failed) => {
        const look = () => {
            if (![...document.querySelectorAll(selector)].some((one) => one.textContent.includes(word))) return;
            observer.disconnect();
            done((performance.timeOrigin + performance.now()) / 1000);
        };
        const observer = new MutationObserver(look);
        observer.observe(document.body, {subtree: true, childList: true, characterData: true});
        setTimeout(() => failed(new Error(`${selector} did not show ${word}`)), limit);
        look();
    });
    window.shown.catch(() => {});
}"""


def until_shown(page: Page, selector: str, word: str, change: Callable[[], object]) -> float:
    """Seconds from just before the change."""
    page.evaluate(WATCH, [selector, word, SHOWN_MS])
    before = time.time()
    change()
    return float(page.evaluate("() => window.shown")) - before


@contextmanager
def running(client: Client, count: int) -> Iterator[Sequence[str]]:
    """Ids of jobs that run until they are stopped; they are deleted at the end."""
    ids = [client.create(["sleep", "3600"], name="bench-live") for _ in range(count)]
    try:
        deadline = time.monotonic() + START_SECONDS
        while any(client.detail(one)["status"] != "Running" for one in ids):
            if time.monotonic() > deadline:
                raise BenchFailed(f"{count} jobs did not run within {START_SECONDS} s")
            time.sleep(0.5)
        yield ids
    finally:
        for one in ids:
            client.call("DELETE", f"/api/jobs/{one}")


def create(client: Client, name: str, new: list[str]) -> None:
    new.append(client.create(["true"], name=name))


def report(client: Client, context: BrowserContext) -> None:
    page = context.new_page()
    with running(client, JOBS) as ids:
        with page.expect_response("**/jobs/rows*"):  # the first one, when the live channel is up
            page.goto("/")
        stops = []
        for at, job_id in enumerate(ids):
            time.sleep(PAUSES[at % len(PAUSES)])
            stop = f"/api/jobs/{job_id}/stop"
            stops.append(until_shown(page, f"#row-{job_id} .status", "Stopp", partial(client.call, "POST", stop)))
        print(harness.milliseconds("a stop shows in an open list", stops))
    new: list[str] = []
    try:
        shown = []
        for at in range(JOBS):
            time.sleep(PAUSES[at % len(PAUSES)])
            name = f"bench-live-{at}-{time.time_ns()}"
            shown.append(until_shown(page, "#listing .name", name, partial(create, client, name, new)))
        print(harness.milliseconds("a new job shows in an open list", shown))
    finally:
        for job_id in new:
            client.call("DELETE", f"/api/jobs/{job_id}")
    page.close()
