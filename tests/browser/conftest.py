"""A real browser against the whole platform. Without Chromium on the machine these tests are skipped."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.line import Line
from tests.browser.reader import Reader
from tests.stack.conftest import stack as stack  # a fixture is shared by importing it
from tests.stack.stack import ADMIN, Stack

HERE = Path(__file__).parent
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=20_000)
LOCALES = {"en": "en-US", "zh-hans": "zh-CN"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="no Chromium on this machine (set CHROMIUM to its path)"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def line(stack: Stack) -> Iterator[Line]:
    made = Line(stack.port)
    yield made
    made.close()


@pytest.fixture
def open_reader(browser: Browser, stack: Stack) -> Iterator[Callable[..., Reader]]:
    """Opens a browser of the admin's, or of who is named, logged in; `through` is the port of a line to the platform.
    At the end nothing may stand in any console."""
    readers: list[tuple[BrowserContext, Reader]] = []

    def make(
        *,
        language: str = "en",
        scheme: Any = "light",
        width: int = 1440,
        height: int = 900,
        user: tuple[str, str] | None = None,
        through: int = 0,
    ) -> Reader:
        context = browser.new_context(
            locale=LOCALES[language], color_scheme=scheme, viewport={"width": width, "height": height}
        )
        context.set_default_timeout(20_000)
        page: Page = context.new_page()
        reader = Reader(page, replace(stack, port=through) if through else stack)
        readers.append((context, reader))
        reader.log_in(*(user or (ADMIN, stack.password)))
        return reader

    yield make
    complaints = [complaint for _context, reader in readers for complaint in reader.complaints]
    for context, _reader in readers:
        context.close()
    assert complaints == []
