"""The account page: tokens, time zone, the browsers that are logged in; and templates from form to job."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.reader import Reader


def test_another_browser_is_logged_out_from_here(open_reader: Callable[..., Reader]) -> None:
    here, there = open_reader(), open_reader()
    here.go("/account")
    expect(here.page.locator("#sessions")).to_contain_text("this browser")
    here.page.click("#sessions button:text('Log out all others')")
    expect(here.page.locator(".toasts")).to_contain_text("logged out now")
    there.go("/account")
    there.page.wait_for_url("**/login?next=/account")
    there.forgive("401")  # its list may have asked once more


def test_a_token_is_shown_once_and_revoked_and_the_zone_is_that_of_every_time(
    open_reader: Callable[..., Reader],
) -> None:
    reader = open_reader()
    page = reader.page
    reader.go("/account")
    page.fill("#id_name", "from the page")
    page.click("button:text('Make a token')")
    secret = page.locator("#tokens code").inner_text()
    assert secret.startswith("pat_")
    reader.go("/account")
    expect(page.locator("#tokens")).to_contain_text("from the page")
    assert secret not in page.content()
    page.hover("#tokens tr:has-text('from the page')")
    page.click("#tokens tr:has-text('from the page') button")
    page.click("#confirm [data-yes]")
    expect(page.locator(".toasts")).to_contain_text("Token revoked")

    page.select_option("#id_timezone", "Asia/Kathmandu")
    page.click("#timezone button")
    expect(page.locator("#timezone-now time")).to_contain_text("UTC+5:45")
    expect(page.locator("html")).to_have_attribute("data-time-zone", "Asia/Kathmandu")
    page.select_option("#id_timezone", "")
    page.click("#timezone button")
    own = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    expect(page.locator("html")).to_have_attribute("data-time-zone", own)


def test_a_template_goes_from_form_to_job(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    reader.go("/jobs/new")
    page.fill("#f-jobName", "kept <b>for later</b>")
    page.fill("#f-command", "echo from the template")
    page.click("button:text('Save as template')")
    expect(page.locator(".toasts")).to_contain_text("Template kept")
    page.click("#templates a:has-text('kept <b>for later</b>')")
    assert page.input_value("#f-command") == "echo from the template"
    page.click(".form-end .is-primary")
    page.wait_for_url("**/jobs/job-*")
    reader.status("Succeeded")
    reader.go("/templates")
    page.hover("#templates tbody tr")
    page.click("#templates tbody tr button")
    page.click("#confirm [data-yes]")
    expect(page.locator(".toasts")).to_contain_text("Template deleted")
