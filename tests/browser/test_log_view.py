"""The log of a page: follow and pause, all of a long log, links to lines, search, and what a program may print."""

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from jobs.logs.filesystem import FilesystemLogStore
from jobs.logs.store import LogKey
from tests.browser.reader import Reader

AT_END = "e => e.scrollHeight - e.scrollTop - e.clientHeight < 8"
# From the first line to the last one, as a reader scrolls: the numbers and texts that come by.
READ_ALL = """async (box) => {
    const seen = new Map();
    box.scrollTop = 0;
    for (let still = 0, before = -1; still < 20; still = box.scrollTop === before ? still + 1 : 0) {
        before = box.scrollTop;
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30))));
        for (const row of box.querySelectorAll(".log-row:not(.is-missing)")) {
            seen.set(Number(row.dataset.line), row.querySelector(".log-text").textContent);
        }
        const missing = box.querySelector(".log-row.is-missing");
        if (!missing) box.scrollTop += box.clientHeight;
    }
    return [...seen].sort((one, other) => one[0] - other[0]).map(([number, text]) => `${number} ${text}`);
}"""


def read_all(page: Page) -> list[str]:
    lines: list[str] = page.locator(".log-lines").evaluate(READ_ALL)
    return lines


def line(page: Page, number: int) -> Locator:
    return page.locator(f".log-row[data-line='{number}'] .log-text")


def end_of(reader: Reader) -> None:
    expect(reader.page.locator("[data-note]")).to_have_text("End of the log.")


def test_it_follows_pauses_and_follows_again(open_reader: Callable[..., Reader], tmp_path: Path) -> None:
    reader = open_reader()
    page = reader.page
    go = tmp_path / "go"
    command = f"seq -f 'line %g' 1 300; while [ ! -e {go} ]; do sleep 0.05; done; seq -f 'more %g' 1 50; exec sleep 600"
    reader.submit("follow", command)
    reader.wait_for_log("line 300")
    lines = page.locator(".log-lines")
    assert lines.evaluate(AT_END)
    height = lines.evaluate("e => e.scrollHeight")
    lines.scroll_into_view_if_needed()
    lines.evaluate("e => { e.scrollTop = 0 }")
    follow = page.locator("[data-follow]")
    expect(follow).to_be_visible()
    expect(line(page, 1)).to_be_in_viewport()
    go.touch()
    page.wait_for_function("h => document.querySelector('.log-lines').scrollHeight > h", arg=height)
    assert lines.evaluate("e => e.scrollTop") == 0
    expect(line(page, 1)).to_have_text("line 1")
    follow.click()
    expect(follow).to_be_hidden()
    reader.wait_for_log("more 50")
    assert lines.evaluate(AT_END)
    lines.evaluate("e => { e.scrollTop -= 500 }")
    expect(follow).to_be_visible()
    lines.evaluate("e => { e.scrollTop = e.scrollHeight }")
    expect(follow).to_be_hidden()


def test_all_of_a_long_log_is_there_and_little_of_it_on_the_page(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    reader.submit("much", "seq -f 'row %g' 1 600000")
    reader.status("Succeeded")
    reader.wait_for_log("row 600000")
    lines = page.locator(".log-lines")
    for number in (1, 300_000, 599_000):
        lines.evaluate("(e, part) => { e.scrollTop = part * (e.scrollHeight - e.clientHeight) }", number / 600_000)
        page.wait_for_function(
            "n => Math.abs(Number(document.querySelector('.log-row:not(.is-missing)')?.dataset.line) - n) < 300",
            arg=number,
        )
        for text in page.locator(".log-row:not(.is-missing)").all_inner_texts():
            assert re.fullmatch(r"(\d+)\s+row \1", text), text
        assert page.locator(".log-row").count() < 300


def test_it_goes_on_where_it_was_when_the_web_process_restarts(
    open_reader: Callable[..., Reader],
) -> None:
    reader = open_reader()
    command = "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo tick $i; sleep 0.05; done"
    reader.submit("restart", command)
    reader.wait_for_log("tick 20")
    old = reader.stack.kill("web")
    reader.stack.wait_for_restart("web", old)
    reader.wait_for_log("tick 400", seconds=60)
    end_of(reader)
    assert read_all(reader.page) == [f"{n} tick {n}" for n in range(1, 401)]
    expected = ("ERR_CONNECTION", "WebSocket", "htmx:")  # what asked while nobody answered
    reader.complaints = [one for one in reader.complaints if not any(word in one for word in expected)]


def test_a_link_leads_to_its_line(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    job = reader.submit("links", "seq -f 'row %g' 1 5000")
    reader.status("Succeeded")
    reader.go(f"/jobs/{job}/pods/{job}-1-0/logs#L1234-L1236")
    expect(line(page, 1234)).to_be_in_viewport()
    expect(page.locator(".log-row.is-chosen .log-text")).to_have_text(["row 1234", "row 1235", "row 1236"])
    page.locator(".log-row[data-line='1238'] .log-number").click()
    assert page.url.endswith("/logs#L1238")
    page.reload()
    expect(line(page, 1238)).to_be_in_viewport()
    expect(page.locator(".log-row.is-chosen .log-text")).to_have_text("row 1238")


def test_a_search_counts_and_leads_from_match_to_match(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    job = reader.submit("search", "seq -f 'Row %g' 1 30000")
    reader.status("Succeeded")
    page.keyboard.press("/")
    page.keyboard.type("row 29")
    count = page.locator("[data-log-count]")
    expect(count).to_have_text("1,111 of 1,111")
    chosen = page.locator(".log-row.is-chosen .log-text")
    expect(chosen).to_have_text("Row 29999")
    page.keyboard.press("Shift+Enter")
    expect(count).to_have_text("1,110 of 1,111")
    expect(chosen).to_have_text("Row 29998")
    page.keyboard.press("Enter")
    expect(count).to_have_text("1,111 of 1,111")
    page.keyboard.press("Enter")
    expect(count).to_have_text("1 of 1,111")
    expect(chosen).to_have_text("Row 29")
    assert page.url.endswith(f"{job}?find=row+29&pod={job}-1-0#L29")
    at_once = "for (let i = 0; i < 3; i += 1) field.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}))"
    page.locator("[data-log-search]").evaluate(f"(field) => {{ field.value = 'row 299'; {at_once}; }}")
    expect(count).to_have_text("3 of 111")
    expect(chosen).to_have_text("Row 2991")
    page.locator("[data-log-search]").fill("nothing like it")
    expect(count).to_have_text("No match")


def test_lines_wrap_and_have_their_times(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader(width=800)
    page = reader.page
    command = "seq -f 'row %g' 1 200; head -c 3000 /dev/zero | tr '\\0' x; echo; echo last"
    job = reader.submit("shown", command)
    reader.status("Succeeded")
    reader.go(f"/jobs/{job}/pods/{job}-1-0/logs")
    end_of(reader)
    lines = page.locator(".log-lines")
    assert lines.evaluate("e => e.scrollWidth > e.clientWidth")
    page.click("[data-log-wrap]")
    page.wait_for_function("e => e.scrollWidth <= e.clientWidth", arg=lines.element_handle())
    expect(page.locator("[data-log-wrap]")).to_have_attribute("aria-pressed", "true")
    assert page.locator(".log-row[data-line='201']").evaluate("e => e.offsetHeight") > 36
    expect(line(page, 202)).to_be_in_viewport()
    page.click("[data-log-times]")
    expect(page.locator(".log-row[data-line='202'] time")).to_have_text(re.compile(r"\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"))
    expect(line(page, 202)).to_have_text("last")
    assert [text[:7] for text in read_all(page)][:3] == ["1 row 1", "2 row 2", "3 row 3"]


def test_all_replicas_are_read_as_one_log_or_one_of_them(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    command = ["sh", "-c", "echo from $RANK; sleep 1; echo last of $RANK"]
    body = {"jobName": "replicas", "image": "python:3.11", "command": command, "replicas": 3}
    job = reader.stack.client().post("/api/jobs/create", json=body).json()["data"]["jobId"]
    reader.go(f"/jobs/{job}/logs")
    end_of(reader)
    texts = page.locator(".log-row .log-text")
    assert sorted(texts.all_inner_texts()) == sorted(
        [f"[{one}] {said} {one}" for one in range(3) for said in ("from", "last of")]
    )
    page.fill("[data-log-search]", "last of")
    expect(texts).to_have_count(3)
    page.reload()  # with the pods that were not there yet
    expect(texts).to_have_count(3)
    page.select_option("[data-log-pod]", label="replica 1 · attempt 1")
    page.wait_for_url(f"**/jobs/{job}/pods/{job}-1-1/logs")
    expect(texts).to_have_text(["from 1", "last of 1"])


def test_gaps_are_seen_and_what_looks_like_one_is_not(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    job = reader.submit("gaps", "echo '[platform] said by the program'; echo before")
    end_of(reader)
    store = FilesystemLogStore(reader.stack.data_dir / "logs")
    with closing(store.capture_writer(LogKey(job, 1, 0), "another-pod", 1 << 30)) as writer:
        writer.gap()
        writer.seal()
    reader.go(f"/jobs/{job}/pods/{job}-1-0/logs")
    expect(page.locator(".log-row.mark .log-text")).to_have_text(
        [re.compile("The cluster gave this replica a new pod"), re.compile("Lines may be missing here")]
    )
    expect(page.locator(".log-row:not(.mark) .log-text")).to_have_text(["[platform] said by the program", "before"])


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
