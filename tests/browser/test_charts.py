"""Charts of metrics: alone and beside other jobs."""

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.reader import Reader
from tests.stack.stack import Stack

TRAINING = "for i in $(seq 1 200); do echo step=$i loss=0.$((300 - i)) eval_loss=0.$((400 - i)) lr=0.001; done"
RANGE = re.compile(r"from ([\d,.]+) to ([\d,]+(?:\.\d+)?)")


@pytest.fixture(scope="module")
def trained(stack: Stack) -> Iterator[str]:
    """A job that prints its metrics and ends: its page reads them when they are there."""
    api = stack.client()
    body = {"jobName": "trained", "image": "python:3.11", "command": ["sh", "-c", TRAINING]}
    job_id = api.post("/api/jobs/create", json=body).json()["data"]["jobId"]
    yield job_id
    api.delete(f"/api/jobs/{job_id}")


def chart(reader: Reader, name: str) -> str:
    return f".chart[data-group='{name}']"


def shown_range(reader: Reader, name: str) -> tuple[float, float]:
    label = reader.page.locator(f"{chart(reader, name)} .chart-canvas").get_attribute("aria-label") or ""
    found = RANGE.search(label)
    assert found, label
    first, last = (float(text.replace(",", "")) for text in found.groups())
    return first, last


def open_charts(reader: Reader, job_id: str) -> None:
    reader.go(f"/jobs/{job_id}")
    reader.status("Succeeded")
    reader.go(f"/jobs/{job_id}?tab=metrics")
    reader.page.locator(f"{chart(reader, 'loss')} canvas").wait_for()


def test_a_range_is_zoomed_into_everywhere_and_left_again(trained: str, open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    open_charts(reader, trained)
    assert shown_range(reader, "loss") == (1, 200)
    over = page.locator(f"{chart(reader, 'loss')} .u-over")
    box = over.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60, steps=5)
    page.mouse.up()
    page.wait_for_url("**from=*")
    zoomed = shown_range(reader, "loss")
    assert 45 < zoomed[0] < 55
    assert 95 < zoomed[1] < 105
    assert shown_range(reader, "lr") == zoomed
    page.reload()
    page.locator(f"{chart(reader, 'loss')} canvas").wait_for()
    assert shown_range(reader, "loss") == zoomed
    page.locator(f"{chart(reader, 'loss')} .u-over").dblclick()
    expect(page.locator("[data-whole]")).to_be_disabled()
    assert shown_range(reader, "lr") == (1, 200)
    assert "from=" not in page.url


def test_lines_and_charts_stay_hidden_and_settings_stay_in_the_address(
    trained: str, open_reader: Callable[..., Reader]
) -> None:
    reader = open_reader()
    page = reader.page
    open_charts(reader, trained)
    legend = page.locator(f"{chart(reader, 'loss')} .chart-legend button")
    expect(legend).to_have_text(["eval_loss0.2", "loss0.1"])  # seq's last ones
    legend.first.click()
    page.locator(".chart-title", has_text="lr").click()
    page.locator("#chart-smooth").fill("0.9")
    page.check("[name=log]")
    page.wait_for_url("**log=1*")
    page.reload()
    expect(legend.first).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".chart-title", has_text="lr")).to_have_attribute("aria-expanded", "false")
    assert page.locator("#chart-smooth").input_value() == "0.9"
    assert page.locator("[name=log]").is_checked()
    page.locator("#chart-filter").fill("nothing-like-this")
    expect(page.locator("[data-charts] [data-note]")).to_have_text("No metric has this in its name.")


def test_the_crosshair_is_moved_by_keys(trained: str, open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    open_charts(reader, trained)
    page.locator(f"{chart(reader, 'loss')} .chart-canvas").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.locator(f"{chart(reader, 'loss')} .chart-place")).to_have_text("@ 3")
    expect(page.locator(f"{chart(reader, 'loss')} .chart-value").last).to_have_text("0.297")


def test_a_running_jobs_values_come_by_themselves(open_reader: Callable[..., Reader], tmp_path: Path) -> None:
    reader = open_reader()
    go = tmp_path / "go"
    command = f"echo step=1 loss=nan; while [ ! -e {go} ]; do sleep 0.1; done; echo step=1 loss=0.5; exec sleep 600"
    job_id = reader.submit("later", command)
    reader.status("Running")
    reader.go(f"/jobs/{job_id}?tab=metrics")
    expect(reader.page.locator(".chart-warnings")).to_contain_text("loss: 1 of its values nan or inf")
    go.touch()
    expect(reader.page.locator(f"{chart(reader, 'loss')} .chart-value")).to_have_text("0.5")


def test_an_earlier_attempts_values_are_shown_on_request(open_reader: Callable[..., Reader], tmp_path: Path) -> None:
    reader = open_reader()
    page = reader.page
    again = tmp_path / "again"
    command = f"[ -e {again} ] && echo step=1 loss=2 && exec sleep 600; touch {again}; echo step=1 loss=1; exit 1"
    body: dict[str, Any] = {"jobName": "twice", "image": "python:3.11", "command": ["sh", "-c", command]}
    body["retryPolicy"] = {"maxRetries": 1, "on": ["CommandFailed"]}
    job_id = reader.stack.client().post("/api/jobs/create", json=body).json()["data"]["jobId"]
    reader.go(f"/jobs/{job_id}")
    page.locator("#line-attempt-2").wait_for()
    reader.wait_for_log("loss=2")
    reader.go(f"/jobs/{job_id}?tab=metrics")
    value = page.locator(f"{chart(reader, 'loss')} .chart-value")
    expect(value).to_have_text("2")
    page.select_option("#chart-attempt", "1")
    expect(value).to_have_text("1")
    assert "attempt=1" in page.url


def test_jobs_are_compared_each_in_its_own_colour(open_reader: Callable[..., Reader]) -> None:
    reader = open_reader()
    page = reader.page
    payload = "<img src=x onerror=document.title=1>"
    first = reader.submit(payload, TRAINING, ("LR", "0.1"))
    second = reader.submit("second", TRAINING, ("LR", "0.3"))
    reader.status("Succeeded")
    reader.go(f"/jobs/{second}?tab=metrics")
    colour = "e => getComputedStyle(e).borderTopColor"
    alone = page.locator(".chart-mark").first.evaluate(colour)
    page.fill("#other-job", first)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**with={first}*")
    expect(page.locator(f"{chart(reader, 'lr')} .chart-legend button bdi")).to_have_text(
        ["second · lr", f"{payload} · lr"]
    )
    page.click("text=Compare, with specs")
    expect(page.locator(".compare .is-different th", has_text="envs.LR.value")).to_be_visible()
    marks = page.locator(f"{chart(reader, 'lr')} .chart-mark")
    expect(marks).to_have_count(2)
    assert marks.first.evaluate(colour) == alone
    assert marks.last.evaluate(colour) != alone
    page.click("[aria-label='Take second out']")
    expect(page.locator(".compare thead th")).to_have_count(2)
    assert page.locator("main img").count() == 0


def test_what_lies_along_x_always_rises(open_reader: Callable[..., Reader]) -> None:
    """However steps are printed: anew in each epoch, gone back to a checkpoint, in any order."""
    reader = open_reader()
    source = random.Random(7)
    runs = [[source.choice((1, 5, 90, 100, 1000)) * source.randrange(20) for _ in range(60)] for _ in range(50)]
    told = [[9, 10, 1, 2, 10], [1, 100, 200, 150, 160], [1, 2, 3]]
    rising = reader.page.evaluate(
        """async (runs) => {
            const { rising } = await import("/static/js/charts/series.js");
            return runs.map((steps) => rising(steps.map((step) => ({ step })), "step", 0).map(({ x }) => x));
        }""",
        [*told, *runs],
    )
    assert rising[:3] == [[9, 10, 11, 12, 20], [1, 100, 150, 160], [1, 2, 3]], json.dumps(rising[:3])
    assert all(xs == sorted(set(xs)) for xs in rising)
