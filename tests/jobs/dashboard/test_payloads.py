"""Whatever people and programs write is text on every page, in every field."""

import json
from html import unescape
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import ApiToken, Project, User
from jobs.models import Attempt, AuditEntry, Event, Job, JobTemplate, Pod, Queue, ResourcePool, SavedView
from tests.jobs.dashboard.conftest import Browse, MakeJob
from tests.payloads import NASTY, PAYLOADS, soil


def fill(job: Job, payload: str) -> None:
    """The payload in every column that a page shows."""
    config: dict[str, Any] = {**job.config, "jobName": payload, "image": payload, "description": payload}
    config["command"] = ["/bin/sh", "-c", payload]
    config["envs"] = [{"name": payload, "value": payload}]
    config["labels"] = {payload: payload}
    Job.objects.filter(pk=job.pk).update(
        name=payload[:128], config=config, status_reason="Rejected", status_params={"detail": payload}
    )
    Pod.objects.filter(job=job).update(node=payload[:253], reason=payload[:64], message=payload)
    Attempt.objects.filter(job=job).update(end_reason=payload[:32])
    now = timezone.now()
    Event.objects.create(job=job, reason=payload[:64], message=payload, type="Warning", fingerprint="x", first_at=now)
    ApiToken.issue(user=job.owner, name="a token")
    SavedView.objects.create(user=job.owner, name="a view")
    JobTemplate.objects.create(project=job.project, owner=job.owner, name="a template", spec={})
    for model in (ApiToken, AuditEntry, JobTemplate, SavedView, Project, ResourcePool, Queue):
        for row in model.objects.all():  # type: ignore[attr-defined]
            soil(row, payload)
    JobTemplate.objects.update(spec={**config, "jobName": payload})
    User.objects.filter(pk=job.owner_id).update(username=payload[:150])


@pytest.mark.parametrize("kind", PAYLOADS)
def test_it_comes_out_as_text(kind: str, bob: User, alice: User, browse: Browse, make_job: MakeJob) -> None:
    payload = PAYLOADS[kind]
    job = make_job(bob, pods=1, status="Running")
    fill(job, payload)
    bob.refresh_from_db()
    root = f"/jobs/{job.public_id}"
    pod = f"{root}/pods/{job.public_id}-1-0"
    pages = [
        "/",
        root,
        f"{root}/live",
        f"{root}?tab=metrics",
        f"{root}?tab=events",
        f"{root}?tab=spec",
        f"{root}?tab=audit",
        f"/jobs/compare?ids={job.public_id}&all=1",
        f"{root}/stop",
        f"{root}/delete",
        f"/jobs/new?from={job.public_id}",
        f"{pod}/logs",
        f"{root}/logs",
        f"{pod}/terminal",
        "/account",
        "/templates",
        "/pools",
        "/pools/live?range=1h",
    ]
    for user in (bob, alice):
        for page in pages:
            text = browse(user).get(page).content.decode()
            assert not [nasty for nasty in NASTY if nasty in text], (user, page)
            assert payload[:32] in unescape(text) or page == "/account" or kind in ("ansi", "bidi"), page


@pytest.mark.parametrize("keyword", PAYLOADS.values())
def test_a_filter_comes_out_as_text(keyword: str, bob: User, browse: Browse) -> None:
    text = (
        browse(bob)
        .get("/", {name: keyword for name in ("keyword", "pool", "queue", "owner", "status")})
        .content.decode()
    )
    assert not [nasty for nasty in NASTY if nasty in text]


@pytest.mark.parametrize("value", PAYLOADS.values())
def test_what_was_typed_comes_back_as_text(value: str, bob: User, browse: Browse, make_job: MakeJob) -> None:
    make_job(bob)
    fields = (
        "jobName",
        "command",
        "image",
        "place",
        "replicas",
        "cpu",
        "other",
        "description",
        "env_name",
        "env_value",
        "workingDir",
    )
    text = browse(bob).post("/jobs/new", {name: value for name in fields} | {"env_kind": "plain"}).content.decode()
    assert not [nasty for nasty in NASTY if nasty in text]


def test_hidden_characters_of_the_config_are_made_visible(bob: User, browse: Browse, make_job: MakeJob) -> None:
    job = make_job(bob, config={"command": ["/bin/sh", "-c", "a\u202eb\x1b[31m"]})
    text = browse(bob).get(f"/jobs/{job.public_id}?tab=spec").content.decode()
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "a\\u202eb\\u001b[31m" in text


def test_the_config_is_the_jobs_own_json(bob: User, browse: Browse, make_job: MakeJob) -> None:
    job = make_job(bob, "配置 & <x>", config={"labels": {"a": "1"}})
    text = browse(bob).get(f"/jobs/{job.public_id}?tab=spec").content.decode()
    shown = text.split('<h2 id="config-title">')[1].split("<code>")[1].split("</code>")[0]
    assert json.loads(unescape(shown)) == job.config
