"""How soon the first page can be used, and what it takes to get it, by a browser that has nothing of it. A row of
bench.pages. The baseline is the server's answer to the page itself."""

from typing import Any

from playwright.sync_api import Browser, BrowserContext, StorageState

from bench import harness
from bench.harness import BenchFailed

ROUNDS = 15
PAGES = {"jobs": "/", "create": "/jobs/new", "pools": "/pools", "account": "/account"}
# All scripts are modules: when they have run, every key and button does what it says.
TIMES = """() => {
    const [entry] = performance.getEntriesByType("navigation");
    return [entry.domContentLoadedEventEnd / 1000, (entry.responseEnd - entry.requestStart) / 1000];
}"""
SETTLE_MS = 400  # in which a page may load more


def report(context: BrowserContext, url: str) -> None:
    browser = context.browser
    if browser is None:
        raise BenchFailed("the browser is gone")
    state = context.storage_state()
    for name, path in PAGES.items():
        seconds, answers, sizes = [], [], []
        for _ in range(ROUNDS):
            ready, answer, size = opened(browser, state, url + path)
            seconds.append(ready)
            answers.append(answer)
            sizes.append(size)
        print(
            f"{harness.milliseconds(f'{name}, until it can be used', seconds, answers)}  "
            f"{harness.percentile(sizes, 50) / 1000:6.1f} kB transferred"
        )


def opened(browser: Browser, state: StorageState, address: str) -> tuple[float, float, int]:
    """Seconds until it can be used, those of the server's answer, and all bytes that came, as they were sent."""
    context = browser.new_context(storage_state=state, viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        session = context.new_cdp_session(page)
        sizes: list[int] = []
        session.on("Network.loadingFinished", lambda event: sizes.append(transferred(event)))
        session.send("Network.enable")
        page.goto(address, wait_until="load")
        ready, answer = page.evaluate(TIMES)
        page.wait_for_timeout(SETTLE_MS)
        return float(ready), float(answer), sum(sizes)
    finally:
        context.close()


def transferred(event: dict[str, Any]) -> int:
    return int(event["encodedDataLength"])
