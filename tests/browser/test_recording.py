"""A terminal that must be recorded, and its recording played, as the project's admin sees it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import expect

from tests.browser.reader import Reader
from tests.stack.stack import Stack

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def choose_policy(reader: Reader, policy: str) -> None:
    """As an operator does."""
    reader.go("/admin/accounts/project/")
    reader.page.click("#result_list tbody a >> nth=0")
    reader.page.select_option("#id_recording", policy)
    reader.page.click("[name=_save]")
    reader.page.wait_for_url("**/admin/accounts/project/")


@pytest.fixture
def reader(open_reader: Callable[..., Reader]) -> Iterator[Reader]:
    reader = open_reader()
    choose_policy(reader, "required")
    yield reader
    choose_policy(reader, "off")


def test_what_a_terminal_showed_is_played_and_downloaded(reader: Reader, stack: Stack, tmp_path: Path) -> None:
    page = reader.page
    job_id = reader.submit("recorded", "exec sleep 600", env=("HOME", str(tmp_path)))
    reader.status("Running")
    reader.go(str(page.locator("#pods a:text('Terminal')").get_attribute("href")))
    expect(page.locator("[data-terminal-state]")).to_have_text("Connected")
    page.keyboard.type("echo h''i 中文; exit 7\n")
    expect(page.locator("[data-terminal-state]")).to_contain_text("exit code 7")

    reader.go(f"/jobs/{job_id}")
    with page.expect_download() as download:
        page.click("#recordings a:text('Download')")
    lines = [json.loads(line) for line in download.value.path().read_text().splitlines()]
    assert lines[0]["version"] == 2
    assert "hi 中文\r\n" in "".join(text for _at, kind, text in lines[1:] if kind == "o")

    page.click("#recordings a:text('Play')")
    player = page.locator("[data-recording]")
    player.locator(".ap-overlay-start").click()
    expect(player.locator(".ap-term")).to_contain_text("hi 中文")
    for width in (1440, 390):
        for scheme in SCHEMES:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            assert reader.serious_findings() == []
            assert not reader.overflows()

    stack.client().delete(f"/api/jobs/{job_id}")
