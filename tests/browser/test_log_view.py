"""The live log."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.reader import Reader


def test_it_follows_pauses_and_follows_again(open_reader: Callable[..., Reader], tmp_path: Path) -> None:
    reader = open_reader()
    page = reader.page
    go = tmp_path / "go"
    command = f"seq -f 'line %g' 1 300; while [ ! -e {go} ]; do sleep 0.05; done; seq -f 'more %g' 1 50; exec sleep 600"
    reader.submit("follow", command)
    reader.wait_for_log("line 300")
    at_end = "e => e.scrollHeight - e.scrollTop - e.clientHeight < 8"
    lines = page.locator(".log-lines")
    assert lines.evaluate(at_end)
    lines.evaluate("e => { e.scrollTop = 0 }")
    follow = page.locator("[data-follow]")
    expect(follow).to_be_visible()
    go.touch()
    reader.wait_for_log("more 50")
    assert lines.evaluate("e => e.scrollTop") == 0
    follow.click()
    expect(follow).to_be_hidden()
    assert lines.evaluate(at_end)


def test_it_keeps_the_last_lines_and_says_so(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    reader.submit("much", "seq -f 'row %g' 1 60000")
    reader.status("Succeeded")
    reader.wait_for_log("row 60000")
    lines = reader.page.locator(".log-lines")
    assert lines.evaluate("e => e.lastElementChild.textContent") == "row 60000"
    count = lines.evaluate("e => e.childElementCount")
    assert 10_000 <= count <= 10_500
    assert lines.evaluate("e => e.firstElementChild.textContent") == f"row {60_000 - count + 1}"


def test_it_goes_on_where_it_was_when_the_web_process_restarts(
    open_reader: Callable[..., Reader], tmp_path: Path
) -> None:
    reader = open_reader()
    page = reader.page
    command = "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo tick $i; sleep 0.05; done"
    reader.submit("restart", command)
    reader.wait_for_log("tick 20")
    old = reader.stack.kill("web")
    reader.stack.wait_for_restart("web", old)
    reader.wait_for_log("tick 400", seconds=60)
    assert reader.log_text().split() == [word for n in range(1, 401) for word in ("tick", str(n))]
    expect(page.locator("[data-note]")).to_have_text("End of the log.")
    reader.complaints = [one for one in reader.complaints if "ERR_CONNECTION" not in one and "WebSocket" not in one]


def test_what_a_program_prints_is_text(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    payload = "<img src=x onerror=document.title=1>"
    reader.submit(
        "text", f"printf '%s\\n' '{payload}'; printf 'one\\rtwo\\n\\033]0;title\\007\\033[1;31mred\\033[m\\n'"
    )
    reader.wait_for_log("red")
    assert reader.log_text().splitlines() == [payload, "two", "red"]
    assert reader.page.locator(".log-lines img").count() == 0
    assert reader.page.locator(".log-lines .fg1.sgr-bold").inner_text() == "red"
