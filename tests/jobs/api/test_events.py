from datetime import UTC, datetime, timedelta

import pytest

from jobs.models import Event

pytestmark = pytest.mark.django_db
START = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)


def event(job, number: int, **fields) -> Event:
    at = START + timedelta(minutes=number)
    return Event.objects.create(job=job, fingerprint=str(number), last_at=at, **{"first_at": START, **fields})


def test_an_event_has_the_contracts_fields_first(api, job):
    Event.objects.all().delete()
    event(job, 0, reason="Started", pod_name="p-0", attempt=1, count=3)
    body = api.get(f"/api/jobs/{job.public_id}/events").json()
    assert list(body) == ["success", "data"]
    assert body["data"]["events"] == [
        {
            "type": "Normal",
            "reason": "Started",
            "message": "Container started",
            "timestamp": "2025-01-15T10:30:00Z",
            "count": 3,
            "firstTimestamp": "2025-01-15T10:30:00Z",
            "source": "platform",
            "podName": "p-0",
            "attempt": 1,
        }
    ]
    assert list(body["data"]["events"][0])[:4] == ["type", "reason", "message", "timestamp"]


def test_the_oldest_comes_first(api, job):
    Event.objects.all().delete()
    for number in (2, 0, 1):
        event(job, number, reason=str(number))
    events = api.get(f"/api/jobs/{job.public_id}/events/").json()["data"]["events"]
    assert [one["reason"] for one in events] == ["0", "1", "2"]


def test_what_a_cluster_said_stays_in_its_words_whatever_they_are(api, job):
    words = "<script>\x1b[31m 训练 %(pod)s\n\x00"
    event(job, 1, reason="FailedMount", message=words, source="kubelet", params={})
    events = api.get(f"/api/jobs/{job.public_id}/events").json()["data"]["events"]
    assert [one["message"] for one in events if one["reason"] == "FailedMount"] == [words]


def test_a_submitted_job_has_its_first_event(api, job):
    (first,) = api.get(f"/api/jobs/{job.public_id}/events").json()["data"]["events"]
    assert (first["reason"], first["message"]) == ("Submitted", "Submitted by bob")


def test_it_costs_four_queries(api, job, django_assert_num_queries):
    """User, projects, job, events."""
    for number in range(5):
        event(job, number, reason="Started")
    with django_assert_num_queries(4):
        api.get(f"/api/jobs/{job.public_id}/events")


def test_within_a_second_they_come_as_they_were_learned(api, job):
    """A cluster says only the second: what it tells of a job is not older than the job."""
    Event.objects.filter(job=job).update(last_at=START.replace(microsecond=900_000))
    for number in range(2):
        Event.objects.create(job=job, reason=f"Cluster{number}", fingerprint=str(number), first_at=START, last_at=START)
    shown = api.get(f"/api/jobs/{job.public_id}/events").json()["data"]["events"]
    assert [event["reason"] for event in shown] == ["Submitted", "Cluster0", "Cluster1"]
