"""Every page in both languages, themes and widths: nothing serious for axe-core, nothing to scroll sideways."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.reader import Reader
from tests.stack.stack import Stack

CJK = re.compile(r"[\u4e00-\u9fff]")
# The page without names, what users, programs and manage.py doctor wrote, and the languages' own names.
OWN_WORDS = """() => {
    const main = document.querySelector("main, #content, #main").cloneNode(true);
    const names = "[data-row], h1 bdi, .pool-jobs bdi, [lang]";
    const others = `${names}, .log-lines, .terminal, code, .cell-text, #o-findings, datalist`;
    for (const element of main.querySelectorAll(others)) element.remove();
    return main.textContent;
}"""
# Each two of language, theme and width come together.
PAIRS = [("en", "light", 1440), ("en", "dark", 390), ("zh-hans", "light", 390), ("zh-hans", "dark", 1440)]
LATIN = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}")
TERMINAL_STATES = re.compile("Connected|已连接|is open here|打开的终端")


def started(stack: Stack, name: str, **spec: Any) -> Iterator[str]:
    """The id of a job that runs until it is no longer needed."""
    api = stack.client()
    body = {"jobName": name, "image": "python:3.11", "command": "echo printed; exec sleep 600", **spec}
    job_id = api.post("/api/jobs/create", json=body).json()["data"]["jobId"]
    yield job_id
    api.delete(f"/api/jobs/{job_id}")


@pytest.fixture(scope="module")
def job(stack: Stack) -> Iterator[str]:
    yield from started(stack, "looks", replicas=2)


@pytest.fixture(scope="module")
def other(stack: Stack) -> Iterator[str]:
    """Another one to compare it with."""
    command = "for i in 1 2 3; do echo step=$i loss=0.$i; done; exec sleep 600"
    yield from started(stack, "looks too", command=command, labels={"team": "vision"})


def pages(job: str) -> list[str]:
    pod = f"/jobs/{job}/pods/{job}-1-0"
    return [
        "/",
        "/?keyword=nothing-like-this",
        "/jobs/new",
        f"/jobs/{job}",
        f"{pod}/logs",
        f"/jobs/{job}/logs",
        f"{pod}/terminal",
        f"/jobs/{job}/stop",
        "/account",
        "/templates",
        "/login",
    ]


def tabs(job: str, other: str) -> list[str]:
    """Of the job's page, and the pages that compare jobs and show pools."""
    page = f"/jobs/{job}?tab="
    return [
        *(page + tab for tab in ("metrics", "events", "events&type=warning", "audit")),
        f"{page}spec&against={job}",
        f"/jobs/compare?ids={job},{other}&all=1",
        "/pools",
    ]


@pytest.mark.parametrize(("language", "scheme", "width"), PAIRS)
def test_every_page(language: str, scheme: str, width: int, job: str, open_reader: Callable[..., Reader]) -> None:
    reader = open_reader(language=language, scheme=scheme, width=width)
    reader.go(f"/jobs/{job}")
    reader.status({"en": "Running", "zh-hans": "运行中"}[language])
    reader.wait_for_log("printed")
    look_at(reader, pages(job), language)


@pytest.mark.parametrize(("language", "scheme", "width"), PAIRS)
def test_every_tab_and_what_opens_on_a_page(
    language: str, scheme: str, width: int, job: str, other: str, open_reader: Callable[..., Reader]
) -> None:
    reader = open_reader(language=language, scheme=scheme, width=width)
    look_at(reader, tabs(job, other), language)
    page = reader.page
    reader.go("/")
    for row in (job, other):
        page.locator(f"#row-{row} [data-pick]").check()
    expect(page.locator("#picked [data-bulk=compare]")).to_be_enabled()
    findings = look(reader, language)
    reader.go(f"/jobs/{job}?terminal={job}-1-0")
    state = page.frame_locator("[data-dock] iframe").locator("[data-terminal-state]")
    expect(state).to_have_text(TERMINAL_STATES)  # the second time the shell of the first is offered
    findings += look(reader, language)
    reader.go("/admin/")
    expect(page.locator("#o-findings table")).to_be_visible()
    findings += look(reader, language)
    assert findings == []


def look_at(reader: Reader, paths: list[str], language: str) -> None:
    findings = []
    for path in paths:
        reader.go(path)
        findings += look(reader, language)
    assert findings == []


def look(reader: Reader, language: str) -> list[Any]:
    """What axe-core finds serious. The page is in its language and does not scroll sideways."""
    path = reader.page.url
    findings = reader.serious_findings()
    assert not reader.overflows(), path
    text = reader.page.evaluate(OWN_WORDS)
    assert bool(CJK.search(text)) == (language == "zh-hans"), path
    if language == "zh-hans" and "new" not in path:
        assert not LATIN.search(text), (path, LATIN.search(text))
    return findings


def test_the_theme_switch_outlives_the_page(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader(scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = reader.page.evaluate(background)
    reader.page.click("[data-theme-switch]")
    dark = reader.page.evaluate(background)
    assert dark != light
    reader.page.reload()
    assert reader.page.evaluate(background) == dark
    reader.page.click("[data-theme-switch]")
    assert reader.page.evaluate(background) == light


def test_the_language_switch_keeps_the_page(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader(language="zh-hans")
    reader.go("/?status=Running")
    reader.page.click("text=EN")
    expect(reader.page.locator("h1")).to_have_text("Training jobs")
    assert reader.page.url.endswith("/?status=Running")
    reader.page.click("text=中文")
    expect(reader.page.locator("h1")).to_have_text("训练任务")
    reader.page.click("text=EN")
    reader.go("/account")
    reader.page.click("main button:text('as the browser asks')")
    expect(reader.page.locator("h1")).to_contain_text("账号")
