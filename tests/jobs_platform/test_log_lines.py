"""A line of the platform's log as JSON."""

import json
import logging
import sys
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jobs_platform.log_lines import JsonFormatter
from jobs_platform.request_id import current


def line(message: str, *arguments: object, **more: Any) -> dict[str, Any]:
    record = logging.LogRecord(
        "jobs.reconcile", logging.WARNING, "file.py", 1, message, arguments, more.pop("exc", None)
    )
    record.__dict__.update(more)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_line_says_when_who_and_what() -> None:
    found = line("%s was lost", "job-1", job_id="job-1")
    assert (found["level"], found["logger"], found["message"]) == ("WARNING", "jobs.reconcile", "job-1 was lost")
    assert found["time"].endswith("+00:00")
    assert found["jobId"] == "job-1"
    assert "requestId" not in found


def test_a_request_is_named() -> None:
    token = current.set("r-1")
    try:
        assert line("asked")["requestId"] == "r-1"
    finally:
        current.reset(token)


def test_a_traceback_stays_in_its_line() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        found = line("failed", exc=sys.exc_info())
    assert "ValueError: why" in found["traceback"]


@given(st.text(st.characters(exclude_categories=[])))
def test_any_message_is_one_line_of_json(message: str) -> None:
    found = line("%s", message)
    if message:
        assert found["message"] == message.encode(errors="backslashreplace").decode()
