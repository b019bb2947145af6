"""The operators' pages in a browser: the theme's scripts and styles run under our policy, and a job can be stopped."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.reader import Reader
from tests.stack.stack import Stack


@pytest.fixture
def job_id(stack: Stack) -> str:
    body = {"jobName": "for the operator", "image": "python:3.12", "command": "sleep 600"}
    answer = stack.client().post("/api/jobs/create", json=body)
    return str(answer.json()["data"]["jobId"])


def test_an_operator_finds_a_job_and_stops_it(open_reader: Callable[..., Reader], job_id: str) -> None:
    reader = open_reader()
    page = reader.page
    for path in ("/admin/", "/admin/jobs/resourcepool/", "/admin/accounts/user/", "/admin/jobs/auditentry/"):
        page.goto(reader.stack.url + path)
        expect(page.locator("html")).not_to_have_attribute("x-cloak", "")
    page.goto(f"{reader.stack.url}/admin/jobs/job/?q={job_id}")
    page.locator("input.action-select").first.check()
    page.locator("select[name=action]").select_option("stop_jobs")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("1 training job", exact=False)).to_be_visible()
    page.locator("form button[type=submit]:visible").last.click()
    expect(page.get_by_text("1 training job is stopping or stopped.")).to_be_visible()
    page.locator("#result_list tbody a").first.click()
    expect(page.get_by_text(job_id).first).to_be_visible()
