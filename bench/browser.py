"""A headless Chromium that is logged in, and traces of what it draws. Needs the packages of requirements-dev.txt."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import BrowserContext, CDPSession, Page, sync_playwright

from bench.harness import BenchFailed

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
FRAMES = ["-*", "devtools.timeline.frame", "disabled-by-default-devtools.timeline.frame"]
TRACE_SECONDS = 30


@contextmanager
def chromium(url: str, user: str, password: str) -> Iterator[BrowserContext]:
    """1440 x 900. Raises BenchFailed where there is no Chromium: set CHROMIUM to its path."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        raise BenchFailed("no Chromium on this machine: set CHROMIUM to its path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        context = browser.new_context(base_url=url, viewport={"width": 1440, "height": 900}, locale="en-US")
        log_in(context.new_page(), user, password)
        yield context
        browser.close()


def log_in(page: Page, user: str, password: str) -> None:
    page.goto("/login")
    page.fill("#id_username", user)
    page.fill("#id_password", password)
    page.click("main button.is-primary")
    page.wait_for_url("**/")
    page.close()


@contextmanager
def drawn_frames(page: Page) -> Iterator[list[float]]:
    """When the compositor drew each frame meanwhile, in seconds; there once the block is left."""
    browser = page.context.browser
    if browser is None:
        raise BenchFailed("the browser is gone")
    session: CDPSession = browser.new_browser_cdp_session()
    events: list[dict[str, Any]] = []
    complete: list[Any] = []
    session.on("Tracing.dataCollected", lambda message: events.extend(message["value"]))
    session.on("Tracing.tracingComplete", lambda message: complete.append(message))
    session.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": {"includedCategories": FRAMES}})
    frames: list[float] = []
    yield frames
    session.send("Tracing.end")
    for _ in range(TRACE_SECONDS * 10):
        if complete:
            break
        page.wait_for_timeout(100)
    frames += sorted(event["ts"] / 1e6 for event in events if event["name"] == "DrawFrame")
    session.detach()
