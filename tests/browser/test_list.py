"""The list at work: select by mouse and keyboard, stop several with a way back, compare, hide columns, save views."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.reader import Reader

BODY = {
    "image": "python:3.11",
    "command": ["sh", "-c", "for i in 1 2 3 4 5; do echo step=$i loss=0.$i; done; exec sleep 600"],
}


@pytest.fixture
def reader(open_reader: Callable[..., Reader]) -> Reader:
    return open_reader()


@pytest.fixture
def jobs(reader: Reader) -> Iterator[list[str]]:
    api = reader.stack.client()
    made = [
        api.post("/api/jobs/create", json={"jobName": f"pick {number}", **BODY}).json()["data"]["jobId"]
        for number in range(3)
    ]
    yield made
    for job_id in made:
        api.post(f"/api/jobs/{job_id}/stop")


def test_several_are_stopped_unless_it_is_undone(reader: Reader, jobs: list[str]) -> None:
    page = reader.page
    reader.go("/?keyword=pick")
    for job_id in jobs:
        expect(page.locator(f"#row-{job_id}")).to_contain_text("Running")
    first, last = (page.locator(f"#row-{job_id} [data-pick]") for job_id in (jobs[2], jobs[0]))
    first.click()
    last.click(modifiers=["Shift"])
    expect(page.locator("#picked [data-count]")).to_have_text("3 selected")
    page.click("[data-bulk=stop]")
    expect(page.locator("#undo")).to_contain_text("Stopping 3 jobs")
    page.click("[data-undo]")
    expect(page.locator("#undo")).to_contain_text("Nothing was done.")
    page.click("[data-dismiss]")
    page.locator(f"#row-{jobs[1]} [data-row]").focus()
    page.keyboard.press("x")
    page.click("[data-bulk=stop]")
    expect(page.locator("#undo")).to_contain_text("Done: 1 job.", timeout=15_000)
    expect(page.locator(f"#row-{jobs[1]}")).to_contain_text("Stopped", timeout=30_000)
    expect(page.locator(f"#row-{jobs[0]}")).to_contain_text("Running")


def test_a_page_that_is_left_does_at_once_what_was_asked_for(reader: Reader, jobs: list[str]) -> None:
    page = reader.page
    reader.go("/?keyword=pick")
    page.locator(f"#row-{jobs[0]} [data-pick]").click()
    page.click("[data-bulk=stop]")
    reader.go(f"/jobs/{jobs[0]}")
    reader.status("Stopped")


def test_two_are_compared_and_losses_are_drawn(reader: Reader, jobs: list[str]) -> None:
    page = reader.page
    reader.go("/?keyword=pick")
    expect(page.locator(f"#row-{jobs[0]}")).to_contain_text("Running")
    page.reload()
    expect(page.locator(f"#row-{jobs[0]} .spark path")).to_have_attribute(
        "d", "M0.0 15.0L15.0 11.5L30.0 8.0L45.0 4.5L60.0 1.0"
    )
    for job_id in jobs[:2]:
        page.locator(f"#row-{job_id} [data-pick]").click()
    page.click("[data-bulk=compare]")
    page.wait_for_url("**/jobs/compare?ids=*")
    expect(page.locator("main")).to_contain_text("pick 0")


def test_columns_and_views_stay_as_they_were_left(reader: Reader, jobs: list[str]) -> None:
    page = reader.page
    reader.go("/?keyword=pick")
    page.click("#columns summary")
    page.uncheck("[data-column=owner]")
    page.keyboard.press("Escape")
    page.click("#save-view summary")
    page.fill("#save-view [name=name]", "my picks")
    page.click("#save-view button")
    expect(page.locator(".is-view [aria-current]")).to_have_text("my picks")
    expect(page.locator("#jobs .c-owner").first).to_be_hidden()
    page.click(".chip[href]")
    page.wait_for_url(lambda url: "keyword" not in url)
    page.click("text=my picks")
    page.wait_for_url("**/?keyword=pick")
    assert not reader.complaints
