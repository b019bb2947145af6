"""From the log-in to the deleted job, as an ML engineer goes."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.line import Line
from tests.browser.reader import Reader

TRAINING = (
    'for i in 1 2 3; do echo "step $i loss 0.$((9 - i))"; sleep 0.3; done; '
    'printf "\\033[32mgreen\\033[0m end\\n"; exec sleep 600'
)


def test_the_whole_journey(open_reader: Callable[..., Reader], line: Line, tmp_path: Path) -> None:
    """Create, watch, follow, type, lose the connection and come back, stop, clone, compare, delete."""
    reader = open_reader(through=line.port)
    page = reader.page
    # A home of its own, so that no start-up file of the machine's slows the shell down.
    job_id = reader.submit("journey <b>one</b>", TRAINING, env=("HOME", str(tmp_path)))
    expect(page.locator(".toasts")).to_contain_text("Training job created")
    reader.status("Running")
    reader.wait_for_log("step 3 loss 0.6")
    reader.wait_for_log("green end")
    assert page.locator(".log-lines .fg2").inner_text() == "green"
    assert reader.log_text().splitlines()[0] == "step 1 loss 0.8"

    reader.go(str(page.locator("#pods a:text('Terminal')").get_attribute("href")))
    expect(page.locator("[data-terminal-state]")).to_have_text("Connected")
    page.keyboard.type("echo h''i $JOB_ID; stty size\n")
    rows = page.locator(".xterm-rows")
    expect(rows).to_contain_text(f"hi {job_id}")
    size = re.compile(r"\b[1-9]\d \d{2,3}\b")
    expect(rows, "the terminal knows its size").to_contain_text(size, use_inner_text=True)
    line.cut()
    expect(page.locator("[data-terminal-state]")).to_have_text("Connection lost. The terminal goes on.")
    line.mend()
    expect(page.locator("[data-terminal-state]")).to_have_text("Connected again")
    reader.forgive("ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "WebSocket")
    page.keyboard.type("echo still h''ere\n")
    expect(rows).to_contain_text("still here")
    page.keyboard.type("exit 7\n")
    expect(page.locator("[data-terminal-state]")).to_contain_text("exit code 7")
    page.click("[data-reconnect]")
    expect(page.locator("[data-terminal-state]")).to_have_text("Connected")

    reader.go(f"/jobs/{job_id}")
    page.click(".actions a:text('Stop')")
    expect(page.locator("#confirm")).to_be_visible()
    expect(page.locator("#confirm")).to_contain_text("journey <b>one</b>")
    page.click("#confirm [data-yes]")
    reader.status("Stopped")
    expect(page.locator("#job-head")).to_contain_text("admin asked for it")
    expect(page.locator("[data-note]")).to_have_text("End of the log.")

    page.click("text=Clone")
    assert page.input_value("#f-command") == TRAINING
    page.fill("#f-command", "echo step=1 loss=0.5")
    page.click(".form-end .is-primary")
    page.wait_for_url(lambda url: job_id not in url and "/jobs/job-" in url)
    clone = page.url.rpartition("/")[2]
    reader.status("Succeeded")
    reader.go("/?keyword=journey")
    for one in (job_id, clone):
        page.check(f"#row-{one} [data-pick]")
    page.click("[data-bulk=compare]")
    expect(page.locator("#specs .is-different", has_text="command")).to_contain_text("echo step=1 loss=0.5")
    page.locator(".chart[data-group='loss'] canvas").wait_for()

    page.click(f"#specs a[href='/jobs/{job_id}']")
    page.click(".actions a:text('Delete')")
    page.click("#confirm [data-yes]")
    page.wait_for_url(reader.stack.url + "/*")
    expect(page.locator(".toasts")).to_contain_text("Job deleted")
    expect(page.locator(f"#row-{job_id}")).to_have_count(0)


def test_a_failed_job_says_why_and_can_be_cloned(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    reader.submit("fails", "echo to the end; exit 3")
    reader.status("Failed")
    expect(page.locator(".state-why")).to_contain_text("exit code 3")
    expect(page.locator("#pods td", has_text=re.compile("^3$"))).to_be_visible()
    reader.wait_for_log("to the end")
    page.click("text=Clone")
    assert page.input_value("#f-command") == "echo to the end; exit 3"
    page.fill("#f-command", "echo mended")
    page.click(".form-end .is-primary")
    reader.status("Succeeded")
    reader.wait_for_log("mended")


def test_the_list_refreshes_by_itself_and_never_under_the_pointer(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    api = reader.stack.client()
    body = {"image": "python:3.11", "command": "sleep 6"}
    first = api.post("/api/jobs/create", json={"jobName": "first", **body}).json()["data"]["jobId"]
    reader.go("/")
    expect(page.locator(f"#row-{first}")).to_contain_text("Running")
    page.hover(f"#row-{first} th")
    second = api.post("/api/jobs/create", json={"jobName": "second", **body}).json()["data"]["jobId"]
    expect(page.locator(f"#row-{first}")).to_contain_text("Succeeded")
    expect(page.locator("[data-show-unseen]")).to_contain_text("1 new")
    expect(page.locator(f"#row-{second}")).to_have_count(0)
    page.click("[data-show-unseen]")
    expect(page.locator(f"#row-{second}")).to_be_visible()


def test_errors_of_the_form_keep_what_was_typed(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    reader.go("/jobs/new")
    page.fill("#f-jobName", "kept")
    page.fill("#f-command", "echo kept")
    page.fill("#f-cpu", "lots")
    page.click("summary")
    page.fill("#f-workingDir", "relative")
    page.on("response", lambda answer: reader.complaints.clear() if answer.status == 400 else None)
    page.click(".form-end .is-primary")
    expect(page.locator("[role=alert]")).to_be_focused()
    expect(page.locator("[role=alert]")).to_contain_text("2 fields need a correction")
    assert page.input_value("#f-command") == "echo kept"
    page.click("[role=alert] a[href='#f-workingDir']")
    expect(page.locator("#f-workingDir")).to_be_focused()
    expect(page.locator("#f-workingDir")).to_have_attribute("aria-invalid", "true")
    reader.complaints = [one for one in reader.complaints if "400 (Bad Request)" not in one]
