"""The keyboard alone."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.reader import Reader
from tests.stack.stack import ADMIN

MOST_PRESSES = 80


def test_every_key_does_what_the_help_says(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    older = reader.submit("older", "true")
    newer = reader.submit("newer", "true")
    page.keyboard.press("g")
    page.keyboard.press("j")
    page.wait_for_url(reader.stack.url + "/")
    page.keyboard.press("j")
    expect(page.locator(f"#row-{newer} a[data-row]")).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator(f"#row-{older} a[data-row]")).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator(f"#row-{newer}")).to_contain_text("Succeeded")
    page.keyboard.press(".")
    expect(page.locator(f"#row-{newer} .row-actions a")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#confirm")).to_contain_text("Delete this training job?")
    page.keyboard.press("Escape")
    expect(page.locator("#confirm")).to_be_hidden()
    page.keyboard.press(".")
    expect(page.locator(f"#row-{newer} a[data-row]")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/jobs/{newer}")
    page.keyboard.press("n")
    page.wait_for_url("**/jobs/new")
    expect(page.locator("#f-jobName")).to_be_focused()
    page.keyboard.type("n?")  # a letter in a field is a letter
    assert page.input_value("#f-jobName") == "n?"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("#keyword")).to_be_focused()


def tab_to(page: Page, selector: str, key: str = "Tab") -> None:
    """As somebody without a mouse gets to it."""
    for _press in range(MOST_PRESSES):
        page.keyboard.press(key)
        if page.evaluate("(selector) => Boolean(document.activeElement?.matches(selector))", selector):
            return
    raise AssertionError(f"{selector} is not to be reached on {page.url}")


def press_on(page: Page, selector: str, key: str = "Enter") -> None:
    tab_to(page, selector)
    page.keyboard.press(key)


def test_a_job_is_made_entered_stopped_and_deleted_without_a_mouse(
    open_reader: Callable[..., Reader], tmp_path: Path
) -> None:
    reader = open_reader()
    page = reader.page
    press_on(page, "form[action='/logout'] button")
    expect(page.locator("#id_username")).to_be_focused()
    page.keyboard.type(ADMIN)
    tab_to(page, "#id_password")
    page.keyboard.type(f"{reader.stack.password}\n")
    page.wait_for_url(reader.stack.url + "/")

    page.keyboard.press("n")
    expect(page.locator("#f-jobName")).to_be_focused()
    page.keyboard.type("by keys")
    tab_to(page, "#f-command")
    page.keyboard.type(f"export HOME={tmp_path}; exec sleep 600")
    press_on(page, ".form-end .is-primary")
    page.wait_for_url("**/jobs/job-*")
    job_id = page.url.rpartition("/")[2]
    reader.status("Running")

    press_on(page, "a[data-dock-pod]")
    terminal = page.frame_locator("[data-dock] iframe")
    expect(terminal.locator("[data-terminal-state]")).to_have_text("Connected")
    expect(terminal.locator(".terminal textarea")).to_be_focused()
    page.keyboard.type("echo by-k''eys\n")
    expect(terminal.locator(".xterm-rows")).to_contain_text("by-keys")
    page.keyboard.press("Control+Shift+Escape")
    tab_to(page, "[data-dock-close]", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("a[data-dock-pod]")).to_be_focused()

    tab_to(page, f"a[href='/jobs/{job_id}/stop']", "Shift+Tab")
    page.keyboard.press("Space")
    press_on(page, "#confirm [data-yes]")
    reader.status("Stopped")
    press_on(page, "a[href='?tab=events']")
    page.wait_for_url("**?tab=events")
    press_on(page, "a[href='?tab=events&type=warning']")
    expect(page.locator("#events [aria-current]")).to_contain_text("Warnings")

    page.keyboard.press("g")
    page.keyboard.press("j")
    page.wait_for_url(reader.stack.url + "/")
    page.keyboard.press("j")
    page.keyboard.press("x")
    press_on(page, "[data-bulk=delete]")
    expect(page.locator("[data-undo]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#undo")).to_contain_text("Nothing was done.")
    page.keyboard.press("j")
    page.keyboard.press(".")
    page.keyboard.press("Enter")
    press_on(page, "#confirm [data-yes]")
    expect(page.locator(".toasts")).to_contain_text("Job deleted")
    expect(page.locator(f"#row-{job_id}")).to_have_count(0)


def test_a_dialog_keeps_the_focus_and_gives_it_back(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    reader.submit("asked", "exec sleep 600")
    reader.status("Running")
    stop = page.locator(".actions a", has_text="Stop")
    stop.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#confirm [data-close]")).to_be_focused()
    for _press in range(4):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('#confirm')")
    page.keyboard.press("Escape")
    expect(page.locator("#confirm")).to_be_hidden()
    expect(stop).to_be_focused()


def test_filters_are_in_the_address_and_back_works(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    reader.submit("findable", "true")
    reader.go("/")
    page.keyboard.press("/")
    page.keyboard.type("findab")
    page.wait_for_url("**/?keyword=findab")
    expect(page.locator("#listing")).to_contain_text("findable")
    page.select_option("[name=status]", "Stopped")
    page.wait_for_url("**/?keyword=findab&status=Stopped")
    expect(page.locator("#listing")).to_contain_text("No job matches")
    page.go_back()
    page.wait_for_url("**/?keyword=findab")
    expect(page.locator("#listing")).to_contain_text("findable")
    page.locator("a[data-row]", has_text="findable").click()
    page.click("[data-list]")
    page.wait_for_url("**/?keyword=findab")
