"""The create page: form and JSON are one job, checked while it is typed, and the calls shown do the same."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.reader import Reader
from tests.processes import wait_until
from tests.stack.stack import Stack

QUIET = {"image": "python:3.11", "command": ["true"]}


@pytest.fixture
def page_of(open_reader: Callable[..., Reader]) -> Iterator[Reader]:
    reader = open_reader()
    reader.go("/jobs/new")
    yield reader


def spec(reader: Reader) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(reader.page.input_value("#f-spec"))
    return body


def test_what_is_typed_before_the_script_is_there_counts(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    held: list[Route] = []
    page.route("**/js/create/page.js", lambda route: held.append(route))
    page.goto(reader.stack.url + "/jobs/new", wait_until="commit")
    page.fill("#f-jobName", "early")
    page.fill("#f-command", "true")
    wait_until(lambda: held or page.wait_for_timeout(10), 10.0, "the script's request")
    held[0].continue_()
    expect(page.locator("#f-spec")).to_have_value(re.compile("early"))
    assert (spec(reader)["jobName"], spec(reader)["command"]) == ("early", "true")
    page.fill("#f-jobName", "early and late")
    assert spec(reader)["jobName"] == "early and late"


def test_the_form_writes_the_json(page_of: Reader) -> None:
    page = page_of.page
    page.fill("#f-jobName", "both")
    page.fill("#f-command", '["python3", "train.py"]')
    page.fill("#f-cpu", "500m")
    page.fill("#f-replicas", "2")
    page.fill("#f-maxRetries", "")
    page.fill("[name=env_name]", "TOKEN")
    page.fill("[name=env_value]", "hush")
    page.select_option("[name=env_kind]", "secret")
    body = spec(page_of)
    assert (body["jobName"], body["command"], body["replicas"]) == ("both", ["python3", "train.py"], 2)
    assert body["resources"] == {"cpu": "500m"}
    assert "retryPolicy" not in body
    assert body["envs"] == [{"name": "TOKEN", "secret": True}]


def test_the_json_writes_the_form_and_keeps_the_rest(page_of: Reader) -> None:
    page = page_of.page
    body = {**QUIET, "jobName": "from JSON", "resources": {"memory": "1Gi"}, "labels": {"team": "vision"}}
    body["envs"] = [{"name": "LINES", "value": "a\nb"}]
    page.fill("#f-spec", json.dumps(body))
    assert page.input_value("#f-jobName") == "from JSON"
    assert page.input_value("#f-command") == '["true"]'
    assert page.input_value("#f-memory") == "1Gi"
    assert page.input_value("[name=env_value]") == "a\nb"
    page.fill("#f-memory", "2Gi")
    assert spec(page_of) == {**body, "resources": {"memory": "2Gi"}}


def test_broken_json_says_so_and_keeps_the_form(page_of: Reader) -> None:
    page = page_of.page
    page.fill("#f-jobName", "kept")
    page.fill("#f-spec", '{"jobName": ')
    expect(page.locator("#e-spec")).to_contain_text("not one JSON object")
    assert page.input_value("#f-jobName") == "kept"
    page.click(".form-end .is-primary")
    expect(page.locator("#f-spec")).to_be_focused()
    page.fill("#f-command", "true")
    expect(page.locator("#e-spec")).to_have_count(0)
    assert spec(page_of)["jobName"] == "kept"


def test_what_is_wrong_is_said_while_it_is_typed(page_of: Reader) -> None:
    page = page_of.page
    expect(page.locator("[data-outlook-text]")).to_contain_text("Fits now")
    page.fill("#f-cpu", "lots")
    expect(page.locator("#e-cpu")).to_contain_text("no amount")
    expect(page.locator("#f-cpu")).to_have_attribute("aria-invalid", "true")
    page.fill("#f-cpu", "100000")
    expect(page.locator("#e-cpu")).to_contain_text("Ask for less")
    page.fill("#f-cpu", "1")
    expect(page.locator("#e-cpu")).to_have_count(0)
    page.fill("#f-spec", json.dumps({**QUIET, "jobName": "x", "nonsense": 1}))
    expect(page.locator("#e-spec")).to_contain_text("nonsense")
    assert page.locator(".error").count() == 1


def test_a_clone_loses_nothing(page_of: Reader) -> None:
    page, api = page_of.page, page_of.stack.client()
    body = {
        **QUIET,
        "jobName": "original",
        "args": ["--fast", ""],
        "labels": {"team": "<vision>"},
        "resources": {"cpu": "100m", "sharedMemory": "64Mi"},
        "envs": [{"name": "KEY", "value": "-----\nline\n"}, {"name": "SECRET", "value": "s3cret\n", "secret": True}],
        "retryPolicy": {"maxRetries": 1, "on": ["CommandFailed"]},
        "retentionSeconds": 60,
    }
    body["command"] = ["python3", "-c", "import os; print(repr(os.environ['SECRET'] + os.environ['KEY']))"]
    made = api.post("/api/jobs/create", json=body).json()["data"]["jobId"]
    page_of.go(f"/jobs/new?from={made}")
    assert "s3cret" not in page.content()
    page.fill("#f-jobName", "cloned")
    page.click(".form-end .is-primary")
    page.wait_for_url("**/jobs/job-*")
    page_of.wait_for_log(repr("s3cret\n-----\nline\n"))
    clone = api.get(f"/api/jobs/{page.url.rpartition('/')[2]}").json()["data"]["config"]
    config = api.get(f"/api/jobs/{made}").json()["data"]["config"]
    assert clone == {**config, "jobName": "cloned"}


@pytest.mark.parametrize(("call", "program"), [("curl", "bash"), ("python", sys.executable)])
def test_the_shown_call_makes_the_same_job(call: str, program: str, page_of: Reader, stack: Stack) -> None:
    page, api = page_of.page, stack.client()
    body = {**QUIET, "jobName": f"it's “{call}” $HOME \\ 训练", "replicas": 1, "labels": {"a": "q\"u'o`te"}}
    page.fill("#f-spec", json.dumps(body))
    page.click(f"summary:has-text('{call}')", timeout=5000)
    shown = page.locator(f"[data-call={call}]").inner_text()
    token = api.post("/api/auth/tokens", json={"name": call}).json()["data"]["token"]
    arguments = [program, "-c", shown]
    ran = subprocess.run(
        arguments, env={**os.environ, "TOKEN": token}, capture_output=True, text=True, timeout=30, check=True
    )
    made = json.loads(ran.stdout)["data"]["jobId"]
    config = api.get(f"/api/jobs/{made}").json()["data"]["config"]
    assert {name: config[name] for name in body} == body


@pytest.mark.parametrize("width", [1440, 390])
def test_any_text_stays_what_it_is(width: int, open_reader: Callable[..., Reader]) -> None:
    reader = open_reader(width=width)
    reader.go("/jobs/new")
    texts = [
        "<script>alert(1)</script>",
        "\x1b[31m",
        "abc\u202egnp.exe\u2066",
        "x" * 10_000,
        "训练 👩‍💻 \u2028",
        "a\r\n\tb",
    ]
    body: dict[str, Any] = {**QUIET, "jobName": "texts", "args": texts}
    body["envs"] = [{"name": f"V{number}", "value": text} for number, text in enumerate(texts)]
    reader.page.fill("#f-spec", json.dumps(body))
    reader.page.fill("#f-cpu", "1")
    expect(reader.page.locator("[data-outlook-text]")).not_to_be_empty()
    assert spec(reader) == {**body, "resources": {"cpu": "1"}}
    assert "\u202e" not in reader.page.input_value("#f-spec")
    assert reader.page.locator(".error").count() == 0
    assert not reader.overflows()
    for call in ("curl", "python"):
        reader.page.click(f"summary:has-text('{call}')")
    assert not reader.overflows()
