"""What changes shows by itself, and a page that cannot know says so."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.reader import Reader

BODY = {"image": "python:3.11", "command": "exec sleep 600"}


def test_a_dropped_connection_shows_and_is_made_up_for(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page, stack = reader.page, reader.stack
    api = stack.client()
    first = api.post("/api/jobs/create", json={"jobName": "before", **BODY}).json()["data"]["jobId"]
    reader.go("/")
    expect(page.locator(f"#row-{first}")).to_contain_text("Running")
    page.evaluate("document.body.dataset.kept = 'yes'")
    with stack.without("web"):
        expect(page.locator("#link")).to_contain_text("Reconnecting; what you see is 2 s old")
    expect(page.locator("#link")).to_be_hidden()
    second = api.post("/api/jobs/create", json={"jobName": "after", **BODY}).json()["data"]["jobId"]
    expect(page.locator(f"#row-{second}")).to_contain_text("Running")
    assert page.evaluate("document.body.dataset.kept") == "yes", "it was never loaded anew"
    for job_id in (first, second):
        api.post(f"/api/jobs/{job_id}/stop").raise_for_status()
    reader.complaints.clear()  # the browser's own, about the connection that was refused


def test_a_quiet_list_is_not_asked_for_again_and_again(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/jobs/rows" in request.url else None)
    page.clock.install()
    with page.expect_response("**/jobs/rows*"):  # once, when the channel is up
        reader.go("/")
    before = len(asked)
    page.clock.run_for(9_000)
    assert len(asked) == before
    page.clock.run_for(30_000)
    assert len(asked) > before, "what may have been lost is read now and then"
