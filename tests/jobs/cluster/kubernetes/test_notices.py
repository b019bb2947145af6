"""What a cluster's events report, of whom, and when."""

import json
from typing import Any

import pytest

from jobs.cluster.base import Notice
from jobs.cluster.kubernetes import wire
from jobs.cluster.kubernetes.notices import notice
from tests.jobs.cluster.kubernetes.wires import REF, at, when


def event(kind: str = "Pod", name: str = f"{REF.name}-3-x7x2z", **fields: Any) -> wire.Event:
    body = {
        "metadata": {"name": "e", "creationTimestamp": at(1)},
        "involvedObject": {"kind": kind, "name": name, "uid": "u"},
        "reason": "Pulling",
        "message": "Pulling image",
        "type": "Normal",
        **fields,
    }
    return wire.decode(json.dumps(body).encode(), wire.Event)


def told(seen: wire.Event) -> Notice:
    found = notice(seen)
    assert found is not None
    assert found[0] == REF.job_id
    return found[1]


def test_an_event_of_a_pod() -> None:
    seen = told(event(firstTimestamp=at(5), lastTimestamp=at(9), count=3, source={"component": "kubelet"}))
    assert seen == Notice("u", "Pulling", "Pulling image", when(9), when(5), 3, False, REF.attempt, 3, "kubelet")


def test_an_event_of_a_job_is_about_the_attempt() -> None:
    seen = told(event("Job", REF.name, type="Warning", reportingComponent="job-controller", lastTimestamp=at(9)))
    assert (seen.attempt, seen.replica, seen.warning, seen.source) == (REF.attempt, None, True, "job-controller")


def test_the_schedulers_events_have_only_an_event_time() -> None:
    seen = told(event(firstTimestamp=None, lastTimestamp=None, eventTime="2026-01-01T12:00:07.250000Z"))
    assert (seen.at, seen.first_at, seen.count) == (when(7.25), when(7.25), 1)


def test_a_series_goes_on() -> None:
    series = {"count": 4, "lastObservedTime": "2026-01-01T12:00:30.000000Z"}
    seen = told(event(eventTime="2026-01-01T12:00:07.000000Z", series=series))
    assert (seen.at, seen.first_at, seen.count) == (when(30), when(7), 4)


def test_without_any_time_it_is_when_it_was_written() -> None:
    assert told(event(firstTimestamp=None, lastTimestamp=None, eventTime=None, count=None)).at == when(1)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Node", "node-1"),
        ("Pod", "job-0123456789abcdef"),
        ("Pod", REF.name),
        ("Job", f"{REF.name}-3-x7x2z"),
        ("Pod", "someone-elses-pod"),
        ("Job", "job-0123456789abcdeF-1"),
    ],
)
def test_others_events_are_left_out(kind: str, name: str) -> None:
    assert notice(event(kind, name)) is None
