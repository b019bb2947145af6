"""The terminal page: what becomes of a shell when its page, its network or its rights go away."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.line import Line
from tests.browser.reader import Reader
from tests.stack import people
from tests.stack.people import PASSWORD, People
from tests.stack.stack import Client, Stack, wait_until

Open = Callable[..., Reader]
BOB, CHARLIE = ("bob", PASSWORD), ("charlie", PASSWORD)


@pytest.fixture(scope="module")
def cast(stack: Stack) -> People:
    return people.gather(stack)


@pytest.fixture(scope="module")
def api(cast: People) -> Client:
    return cast.client("bob")


@pytest.fixture(scope="module")
def job(stack: Stack, api: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bob's. Its home is its own, so that no start-up file of the machine's slows the shell down."""
    home = str(tmp_path_factory.mktemp("home"))
    envs = [{"name": "HOME", "value": home}, {"name": "PS1", "value": "$ "}]
    body = {"jobName": "shells", "image": "python:3.11", "command": "exec sleep 600", "envs": envs}
    job_id: str = api.post("/api/jobs/create", json=body).json()["data"]["jobId"]
    wait_until(lambda: api.get(f"/api/jobs/{job_id}").json()["data"]["status"] == "Running", 30, "the job's start")
    yield job_id
    api.delete(f"/api/jobs/{job_id}")


@pytest.fixture(autouse=True)
def no_session_left(api: Client, job: str) -> Iterator[None]:
    yield
    for session in sessions(api, job):
        api.delete(f"/api/jobs/{job}/terminal-sessions/{session['sessionId']}")
    wait_until(lambda: not sessions(api, job), 15, "the end of the test's terminals")


def sessions(api: Client, job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"/api/jobs/{job}/terminal-sessions").json()["data"]["sessions"]
    return found


def path(job: str) -> str:
    return f"/jobs/{job}/pods/{job}-1-0/terminal"


def state(page: Page) -> Locator:
    return page.locator("[data-terminal-state]")


def notice(page: Page) -> Locator:
    return page.locator("[data-terminal-notice]")


def screen(page: Page) -> Locator:
    return page.locator(".xterm-rows")


def open_shell(reader: Reader, job: str) -> Page:
    reader.go(path(job))
    expect(state(reader.page)).to_have_text("Connected")
    return reader.page


def enter(page: Page, text: str) -> None:
    page.keyboard.type(f"{text}\n")


def test_a_cut_connection_comes_back_to_the_same_shell_without_a_gap(
    open_reader: Open, job: str, line: Line, tmp_path: Path
) -> None:
    reader = open_reader(user=BOB, through=line.port)
    page = open_shell(reader, job)
    enter(page, f"n=0; until [ -e {tmp_path}/go ]; do sleep 0.05; done; seq -f 'tick%g.' -s ' ' 1 20; mark=$$")
    expect(screen(page)).to_contain_text("mark=$$")  # all of it has come to the shell
    line.cut()
    expect(state(page)).to_have_text("Connection lost. The terminal goes on.")
    expect(page.locator("[data-terminal-countdown]")).to_contain_text("Next try in")
    page.keyboard.type("nobody hears this")
    (tmp_path / "go").touch()
    line.mend()
    page.locator("[data-reconnect]").click()
    expect(state(page)).to_have_text("Connected again")
    expect(screen(page)).to_contain_text("tick20.")
    enter(page, "echo the''same $((mark == $$))")
    expect(screen(page)).to_contain_text("thesame 1")
    shown = screen(page).inner_text()
    assert re.findall(r"tick(\d+)\.", shown) == [str(number) for number in range(1, 21)]
    assert "nobody" not in shown
    reader.forgive("ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "WebSocket")


def test_it_comes_back_by_itself(open_reader: Open, job: str, line: Line) -> None:
    reader = open_reader(user=BOB, through=line.port)
    page = open_shell(reader, job)
    enter(page, "kept=yes; echo the''re")
    expect(screen(page)).to_contain_text("there")
    line.cut()
    expect(state(page)).to_have_text("Connection lost. The terminal goes on.")
    line.mend()
    expect(state(page)).to_have_text("Connected again")
    expect(page.locator(".terminal textarea")).to_be_focused()
    enter(page, "echo is-$kept-here")
    expect(screen(page)).to_contain_text("is-yes-here")
    reader.forgive("ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "WebSocket")


def test_a_reloaded_page_shows_what_was_there(open_reader: Open, job: str) -> None:
    reader = open_reader(user=BOB)
    page = open_shell(reader, job)
    enter(page, "printf '\\033[32mbe''fore\\033[0m\\n'; cd /")
    expect(screen(page)).to_contain_text("before")
    page.reload()
    expect(state(page)).to_have_text("Connected again")
    expect(screen(page)).to_contain_text("before")
    enter(page, "pwd | tr / @")
    expect(screen(page)).to_contain_text("@")


def test_another_browser_of_the_same_user_takes_the_session_along(open_reader: Open, job: str, api: Client) -> None:
    first = open_shell(open_reader(user=BOB), job)
    enter(first, "echo car''ried along")
    expect(screen(first)).to_contain_text("carried along")
    second = open_reader(user=BOB).page
    open_shell_of = f"{path(job)}?session={sessions(api, job)[0]['sessionId']}"
    second.goto(second.url.rstrip("/") + open_shell_of)
    expect(state(second)).to_have_text("Connected again")
    expect(screen(second)).to_contain_text("carried along")
    expect(state(first)).to_have_text("Not connected. The terminal goes on.")
    expect(notice(first)).to_be_visible()
    expect(first.locator("[data-reconnect]")).to_be_focused()
    first.keyboard.press("Enter")
    expect(state(first)).to_have_text("Connected again")
    expect(second.locator("[data-reconnect]")).to_have_text("Take it back")


def test_a_session_that_waits_is_offered_before_a_new_one(open_reader: Open, job: str, api: Client) -> None:
    reader = open_reader(user=BOB)
    page = open_shell(reader, job)
    enter(page, "echo wait''ing")
    expect(screen(page)).to_contain_text("waiting")
    reader.go("/")
    wait_until(lambda: not sessions(api, job)[0]["attached"], 10, "the session's waiting")
    other = open_reader(user=BOB, width=390, scheme="dark")
    other.go(path(job))
    expect(state(other.page)).to_have_text("A terminal of yours is open here.")
    expect(other.page.get_by_role("button", name="Come back to it")).to_be_focused()
    assert other.serious_findings() == []
    assert not other.overflows()
    other.page.keyboard.press("Enter")
    expect(state(other.page)).to_have_text("Connected again")
    expect(screen(other.page)).to_contain_text("waiting")
    other.page.get_by_role("button", name="Open terminals").click()
    expect(other.page.locator("[data-sessions-list]")).to_contain_text("on this page")
    other.page.get_by_role("button", name="End", exact=True).click()
    expect(state(other.page)).to_have_text("Closed")
    expect(notice(other.page)).to_be_visible()


def test_others_watch_what_the_owner_lets_them_and_type_nothing(
    open_reader: Open, job: str, api: Client, stack: Stack
) -> None:
    owner = open_shell(open_reader(user=BOB), job)
    owner.get_by_role("button", name="Let others watch").click()
    link = owner.locator("[data-watch-link]")
    expect(link).to_be_visible()
    watcher = open_reader(user=CHARLIE)
    watcher.go(str(link.get_attribute("data-copy-text")).removeprefix(stack.url))
    expect(state(watcher.page)).to_have_text("You watch the terminal of bob")
    expect(owner.locator("[data-terminal-audience]")).to_have_text("Watched by charlie")
    watcher.page.locator(".xterm-screen").click()
    watcher.page.keyboard.type("echo intr''uder\n")
    owner.locator(".xterm-screen").click()
    enter(owner, "echo vis''ible")
    expect(screen(watcher.page)).to_contain_text("visible")
    assert "intruder" not in screen(owner).inner_text()
    owner.get_by_role("button", name="Let others watch").click()
    expect(state(watcher.page)).to_have_text("Not connected. The terminal goes on.")
    expect(notice(watcher.page)).to_be_visible()
    expect(state(owner)).to_have_text("Connected")


def test_an_operator_s_end_is_seen_on_the_page(open_reader: Open, job: str, stack: Stack) -> None:
    reader = open_reader(user=BOB)
    page = open_shell(reader, job)
    operator = stack.client()
    (session,) = sessions(operator, job)
    assert operator.delete(f"/api/jobs/{job}/terminal-sessions/{session['sessionId']}").status_code == 200
    expect(state(page)).to_have_text("Closed")
    expect(notice(page)).to_contain_text("operator")
    expect(page.locator("[data-reconnect]")).to_have_text("New terminal")
    page.locator("[data-reconnect]").click()
    expect(state(page)).to_have_text("Connected")


def test_a_docked_terminal_is_in_the_address_and_comes_back_where_it_was(open_reader: Open, job: str) -> None:
    reader = open_reader(user=BOB)
    reader.go(f"/jobs/{job}")
    page, frame = reader.page, reader.page.frame_locator("[data-dock] iframe")
    link = page.locator("a[data-dock-pod]")
    link.press("Enter")
    expect(frame.locator("[data-terminal-state]")).to_have_text("Connected")
    expect(frame.locator(".terminal textarea")).to_be_focused()
    page.keyboard.type("echo dock''ed\n")
    expect(frame.locator(".xterm-rows")).to_contain_text("docked")
    expect(page).to_have_url(re.compile(rf"terminal={job}-1-0"))
    grip = page.locator("[data-dock-grip]")
    before = int(grip.get_attribute("aria-valuenow") or 0)
    grip.press("ArrowUp")
    expect(grip).to_have_attribute("aria-valuenow", str(before + 32))
    page.reload()
    expect(frame.locator("[data-terminal-state]")).to_have_text("Connected again")
    expect(frame.locator(".xterm-rows")).to_contain_text("docked")
    expect(grip).to_have_attribute("aria-valuenow", str(before + 32))
    assert reader.serious_findings() == []
    page.locator("[data-dock-close]").click()
    expect(page.locator("[data-dock]")).to_be_hidden()
    expect(page).not_to_have_url(re.compile("terminal="))


def test_what_is_shown_is_searched_copied_and_pasted(open_reader: Open, job: str) -> None:
    reader = open_reader(user=BOB)
    reader.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = open_shell(reader, job)
    enter(page, "for n in 1 2 3; do echo need''le-$n; done")
    expect(screen(page)).to_contain_text("needle-3")
    page.keyboard.press("Control+Shift+F")
    bar = page.locator("[data-search]")
    expect(bar.locator("input")).to_be_focused()
    page.keyboard.type("needle-")
    expect(bar.get_by_role("status")).to_have_text("3 of 3")
    page.keyboard.press("Enter")
    expect(bar.get_by_role("status")).to_have_text("2 of 3")
    assert reader.serious_findings() == []
    page.locator("[data-copy-selection]").click()
    expect(page.locator(".terminal textarea")).to_be_focused()  # an Escape would be the shell's
    bar.get_by_role("button", name="Close").click()
    expect(bar).to_be_hidden()
    page.keyboard.type("echo got-")
    expect(screen(page)).to_contain_text("echo got-")
    page.locator("[data-paste]").click()
    expect(screen(page)).to_contain_text("echo got-needle-")
    expect(page.locator(".terminal textarea")).to_be_focused()
    page.keyboard.type("ok\n")
    expect(screen(page)).to_contain_text("got-needle-ok")
    page.locator("[data-search-open]").click()
    page.keyboard.type("nowhere to be seen")
    expect(bar.get_by_role("status")).to_have_text("not found")
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    expect(page.locator(".terminal textarea")).to_be_focused()
