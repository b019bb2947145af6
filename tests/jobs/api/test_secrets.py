"""Secrets are write-only (S10): a canary is nowhere to be found but sealed in its column."""

import json
import logging

import pytest

from jobs import secrets
from jobs.models import AuditEntry, Event, Job
from tests.api_client import CREATE, details, error

pytestmark = pytest.mark.django_db
CANARY = "canary-3f9a1c"
ENVS = [{"name": "TOKEN", "value": CANARY, "secret": True}, {"name": "PLAIN", "value": "seen"}]


def test_a_secret_is_in_no_answer_no_record_and_no_log(api, caplog):
    caplog.set_level(logging.DEBUG)
    created = api.post("/api/jobs/create", {**CREATE, "envs": ENVS, "labels": {"a": "b"}}, idempotency_key="k")
    job_id = created.json()["data"]["jobId"]
    answers = [created, api.post("/api/jobs"), api.post("/api/jobs", {"keyword": CANARY})]
    answers += [api.get(f"/api/jobs/{job_id}{route}") for route in ("", "/events", "/pods")]
    answers.append(api.post("/api/jobs/create", {**CREATE, "envs": ENVS, "dryRun": True}))
    answers.append(api.post(f"/api/jobs/{job_id}/stop"))
    assert all(CANARY.encode() not in answer.content for answer in answers)
    assert CANARY not in caplog.text
    records = [*AuditEntry.objects.values(), *Event.objects.values(), *Job.objects.values()]
    assert CANARY not in json.dumps(records, default=str)


def test_the_job_itself_has_it(api):
    job = Job.objects.get(public_id=api.create(envs=ENVS))
    assert secrets.unseal(job.secret_envs) == {"TOKEN": CANARY}
    assert job.config["envs"] == [{"name": "TOKEN", "secret": True}, {"name": "PLAIN", "value": "seen"}]


def test_a_refusal_does_not_repeat_it(api, caplog):
    bad = [{"name": "TOKEN", "value": CANARY, "secret": "yes"}, {"name": CANARY + "=", "value": CANARY}]
    response = api.post("/api/jobs/create", {**CREATE, "envs": bad, "priority": "x"})
    assert details(response)
    assert CANARY not in response.content.decode() + caplog.text


def test_a_crash_does_not_tell_it(api, caplog, monkeypatch):
    def crash(**_kwargs: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("jobs.services.submit", crash)
    api.http.raise_request_exception = False
    response = api.post("/api/jobs/create", {**CREATE, "envs": ENVS})
    assert error(response) == (500, "INTERNAL_ERROR")
    assert "broken on purpose" in caplog.text
    assert "broken on purpose" not in response.content.decode()
    assert CANARY not in response.content.decode() + caplog.text
