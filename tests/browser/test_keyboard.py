"""The keyboard alone."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.reader import Reader


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
