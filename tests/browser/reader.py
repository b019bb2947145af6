"""Somebody at a browser: what they do on the pages, and what the browser complains about meanwhile."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Page

from tests.stack.stack import Stack

AXE = Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js"
# Colours that are on their way from one theme to the other are nobody's choice.
SETTLED = """() => Promise.all(document.getAnimations()
  .filter((one) => one.effect?.getComputedTiming().iterations !== Infinity)
  .map((one) => one.finished.catch(() => null)).concat(new Promise(requestAnimationFrame)))"""


class Reader:
    def __init__(self, page: Page, stack: Stack) -> None:
        self.page = page
        self.stack = stack
        self.complaints: list[str] = []
        page.on("console", self.hear)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def go(self, path: str) -> None:
        self.page.goto(self.stack.url + path)

    def log_in(self, username: str, password: str) -> None:
        self.go("/login")
        self.page.fill("#id_username", username)
        self.page.fill("#id_password", password)
        self.page.click("main button.is-primary")
        self.page.wait_for_url(self.stack.url + "/")

    def fill_form(self, name: str, command: str, env: tuple[str, str] | None) -> None:
        self.go("/jobs/new")
        self.page.fill("#f-jobName", name)
        self.page.fill("#f-command", command)
        if env:
            self.page.fill("[name=env_name]", env[0])
            self.page.fill("[name=env_value]", env[1])
        self.page.click(".form-end .is-primary")

    def submit(self, name: str, command: str, env: tuple[str, str] | None = None) -> str:
        """Through the create form; the new job's id, whose page is open then."""
        self.fill_form(name, command, env)
        self.page.wait_for_url("**/jobs/job-*")
        return self.page.url.rpartition("/")[2]

    def status(self, key: str, seconds: float = 30) -> None:
        """Waits for a job's page to show the status by its tone and word."""
        self.page.locator(f"#job-head .state-word :text('{key}')").wait_for(timeout=seconds * 1000)

    def log_text(self) -> str:
        """The lines of the log that are near the window."""
        return "\n".join(self.page.locator(".log-lines .log-text").all_inner_texts())

    def wait_for_log(self, text: str, seconds: float = 30) -> None:
        self.page.locator(".log-lines", has_text=text).wait_for(timeout=seconds * 1000)

    def forgive(self, *parts: str) -> None:
        """What a browser says of a connection that was cut on purpose."""
        self.complaints = [one for one in self.complaints if not any(part in one for part in parts)]

    def serious_findings(self) -> list[Any]:
        """What axe-core finds serious or critical on the page. It is put in by the debugger, not by the page, so the
        content security policy stays as it is."""
        self.page.evaluate(SETTLED)
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("async () => JSON.stringify((await axe.run()).violations)")
        return [
            (self.page.url, one["id"], [node["html"][:200] for node in one["nodes"]][:3])
            for one in json.loads(found)
            if one["impact"] in ("serious", "critical")
        ]

    def overflows(self) -> bool:
        """Whether the page must be scrolled sideways."""
        wider: bool = self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        return wider
