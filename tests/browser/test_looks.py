"""Every page in both languages, themes and widths: nothing serious for axe-core, nothing to scroll sideways."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.reader import Reader
from tests.stack.stack import Stack

CJK = re.compile(r"[\u4e00-\u9fff]")
# The page without names, without what users and programs wrote, and without the languages' own names.
OWN_WORDS = """() => {
    const main = document.querySelector("main").cloneNode(true);
    const others = "[data-row], h1 bdi, .log-lines, .terminal, code, [lang], datalist";
    for (const element of main.querySelectorAll(others)) element.remove();
    return main.textContent;
}"""
LATIN = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}")


@pytest.fixture(scope="module")
def job(stack: Stack) -> Iterator[str]:
    api = stack.client()
    body = {
        "jobName": "looks",
        "image": "python:3.11",
        "command": ["sh", "-c", "echo printed; exec sleep 600"],
        "replicas": 2,
    }
    job_id = api.post("/api/jobs/create", json=body).json()["data"]["jobId"]
    yield job_id
    api.delete(f"/api/jobs/{job_id}")


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


def tabs(job: str) -> list[str]:
    """Of the job's page, and the page that compares."""
    page = f"/jobs/{job}?tab="
    return [
        *(page + tab for tab in ("metrics", "events", "audit")),
        f"{page}spec&against={job}",
        f"/jobs/compare?ids={job}",
    ]


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page(language: str, scheme: str, width: int, job: str, open_reader: Callable[..., Reader]) -> None:
    reader = open_reader(language=language, scheme=scheme, width=width)
    reader.go(f"/jobs/{job}")
    reader.status({"en": "Running", "zh-hans": "运行中"}[language])
    reader.wait_for_log("printed")
    look_at(reader, pages(job), language)


@pytest.mark.parametrize(("language", "scheme", "width"), [("en", "light", 1440), ("zh-hans", "dark", 390)])
def test_every_tab(language: str, scheme: str, width: int, job: str, open_reader: Callable[..., Reader]) -> None:
    look_at(open_reader(language=language, scheme=scheme, width=width), tabs(job), language)


def look_at(reader: Reader, paths: list[str], language: str) -> None:
    findings = []
    for path in paths:
        reader.go(path)
        findings += reader.serious_findings()
        assert not reader.overflows(), path
        text = reader.page.evaluate(OWN_WORDS)
        assert bool(CJK.search(text)) == (language == "zh-hans"), path
        if language == "zh-hans" and "new" not in path:
            assert not LATIN.search(text), (path, LATIN.search(text))
    assert findings == []


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
