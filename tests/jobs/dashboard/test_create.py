"""The create form and clones."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from accounts.models import Project, User
from jobs import secrets
from jobs.models import Job, Queue
from tests.conftest import make_user
from tests.jobs.dashboard.conftest import Browse, MakeJob

FILLED = {"jobName": "from the form", "command": "python3 train.py", "image": "python:3.11", "place": "local/default"}


def post(client: Client, **fields: Any) -> Any:
    return client.post("/jobs/new", {**FILLED, **fields})


def values(page: str) -> dict[str, str]:
    inputs = re.findall(r'<input class="input[^"]*" id="f-(\w+)" name="\w+" value="([^"]*)"', page)
    areas = re.findall(r'<textarea class="input" id="f-(\w+)".*?>\n(.*?)</textarea>', page, re.S)
    return {name: unescape(value) for name, value in inputs + areas}


def test_it_submits_and_opens_the_job(bob: User, queue: Queue, browse: Browse) -> None:
    response = post(browse(bob))
    job = Job.objects.get()
    assert response["Location"] == f"/jobs/{job.public_id}"
    assert job.owner == bob
    assert job.config == {
        "jobName": "from the form",
        "image": "python:3.11",
        "command": ["/bin/sh", "-c", "python3 train.py"],
        "resourcePoolId": "local",
        "queue": "default",
        "projectId": "default",
        "priority": "normal",
        "replicas": 1,
    }


def test_every_field_arrives(bob: User, queue: Queue, browse: Browse) -> None:
    post(
        browse(bob),
        command='["python3", "-c", "print(1)"]',
        replicas="2",
        cpu="500m",
        memory="1Gi",
        gpu="0",
        maxRunTimeSeconds="3600",
        maxRetries="3",
        priority="high",
        workingDir="/data",
        description="two\r\nlines",
        terminationGracePeriodSeconds="5",
        other='{"labels": {"team": "vision"}}',
        env_name=["A", "TOKEN", ""],
        env_value=["1", "hush", ""],
        env_kind=["plain", "secret", "plain"],
    )
    job = Job.objects.get()
    assert job.config == {
        "jobName": "from the form",
        "image": "python:3.11",
        "command": ["python3", "-c", "print(1)"],
        "resourcePoolId": "local",
        "queue": "default",
        "projectId": "default",
        "description": "two\nlines",
        "labels": {"team": "vision"},
        "priority": "high",
        "replicas": 2,
        "resources": {"cpu": "500m", "memory": "1Gi", "gpu": 0},
        "envs": [{"name": "A", "value": "1"}, {"name": "TOKEN", "secret": True}],
        "workingDir": "/data",
        "maxRunTimeSeconds": 3600,
        "retryPolicy": {"maxRetries": 3},
        "terminationGracePeriodSeconds": 5,
    }
    assert secrets.unseal(job.secret_envs) == {"TOKEN": "hush"}


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("jobName", "", "jobName"),
        ("jobName", "x" * 129, "jobName"),
        ("command", "  ", "command"),
        ("command", "[]", "command"),
        ("command", "[1]", "command"),
        ("image", "no image!", "image"),
        ("replicas", "0", "replicas"),
        ("replicas", "many", "replicas"),
        ("cpu", "lots", "cpu"),
        ("cpu", "64", "cpu"),  # more than the pool has
        ("memory", "-1Gi", "memory"),
        ("gpu", "1.5", "gpu"),
        ("maxRunTimeSeconds", "0", "maxRunTimeSeconds"),
        ("maxRetries", "-1", "maxRetries"),
        ("place", "nowhere/default", "place"),
        ("place", "local/nowhere", "place"),
        ("workingDir", "relative", "workingDir"),
        ("projectId", "nonsense", "projectId"),
        ("other", "{", "other"),
        ("other", "[1]", "other"),
        ("other", '{"nonsense": 1}', "other"),
        ("env_name", "1BAD", "env-0"),
    ],
)
def test_an_error_is_in_place_and_in_the_summary(
    field: str, value: str, place: str, bob: User, queue: Queue, browse: Browse
) -> None:
    response = post(browse(bob), **{"env_name": "GOOD", "env_value": "1", "env_kind": "plain", field: value})
    page = response.content.decode()
    assert response.status_code == 400
    assert not Job.objects.exists()
    assert f'id="e-{place}"' in page
    assert f'href="#f-{place}"' in page.split("</ul>")[0]
    assert f'id="f-{place}"' in page
    assert 'aria-invalid="true"' in page


def test_an_error_keeps_what_was_typed_but_no_secret(bob: User, queue: Queue, browse: Browse) -> None:
    fields = {"jobName": " x ", "command": " a\r\n b", "image": "!", "cpu": "?", "description": "d", "other": "{"}
    typed = {"env_name": ["A", "S"], "env_value": ["plain-value", "canary-value"], "env_kind": ["plain", "secret"]}
    page = post(browse(bob), **fields, **typed).content.decode()
    kept = values(page)
    assert {name: kept[name] for name in fields} == {**fields, "command": " a\n b"}
    assert "plain-value</textarea>" in page
    assert "canary-value" not in page


def test_a_form_sent_twice_makes_one_job(bob: User, queue: Queue, browse: Browse) -> None:
    client = browse(bob)
    first, second = post(client, form_key="k1"), post(client, form_key="k1")
    assert Job.objects.count() == 1
    assert first["Location"] == second["Location"]


def test_a_form_changed_after_going_back_makes_a_second_job(bob: User, queue: Queue, browse: Browse) -> None:
    client = browse(bob)
    post(client, form_key="k1")
    post(client, form_key="k1", jobName="changed")
    assert sorted(Job.objects.values_list("name", flat=True)) == ["changed", "from the form"]


def test_a_clone_says_what_the_job_said(bob: User, queue: Queue, browse: Browse, make_job: MakeJob) -> None:
    config = {
        "command": ["/bin/sh", "-c", "python3 train.py\necho done"],
        "resources": {"cpu": "1", "memory": "1Gi"},
        "envs": [{"name": "A", "value": " spaced "}],
        "labels": {"team": "<vision>"},
        "retryPolicy": {"maxRetries": 2, "on": ["OutOfMemory"]},
        "dataSources": [{"type": "pvc", "name": "data", "mountPath": "/data"}],
        "args": ["--fast"],
    }
    config["retryPolicy"] = {"maxRetries": 2, "on": ["CommandFailed"]}
    source = make_job(bob, "to be cloned", config=config)
    client = browse(bob)
    page = client.get(f"/jobs/new?from={source.public_id}").content.decode()
    fields = values(page)
    client.post(
        "/jobs/new",
        {
            **fields,
            "place": "local/default",
            "priority": "normal",
            "env_name": "A",
            "env_value": " spaced ",
            "env_kind": "plain",
        },
    )
    clone = Job.objects.exclude(pk=source.pk).get()
    assert clone.config == source.config


def test_a_clone_of_another_projects_job_is_not_there(
    mallory: User, bob: User, browse: Browse, make_job: MakeJob
) -> None:
    job = make_job(bob)
    assert browse(mallory).get(f"/jobs/new?from={job.public_id}").status_code == 404


def test_it_offers_only_projects_one_may_submit_to(
    alice: User, browse: Browse, queue: Queue, other_project: Project
) -> None:
    assert 'name="projectId"' not in browse(alice).get("/jobs/new").content.decode()
    both = make_user("both", other_project)
    alice.memberships.create(project=other_project, role="viewer")
    assert 'name="projectId"' not in browse(alice).get("/jobs/new").content.decode()
    both.memberships.create(project=Project.objects.get(slug="default"), role="member")
    assert 'name="projectId"' in browse(both).get("/jobs/new").content.decode()


SECRET = {"name": "TOKEN", "secret": True}


def post_spec(client: Client, body: dict[str, Any], **fields: str) -> Any:
    return client.post("/jobs/new", {"spec": json.dumps(body), **fields})


def with_secret(owner: User, make_job: MakeJob) -> Job:
    job = make_job(owner, "with a secret", config={"envs": [SECRET]})
    Job.objects.filter(pk=job.pk).update(secret_envs=secrets.seal({"TOKEN": "hush"}))
    return job


def test_a_body_as_json_is_submitted_as_it_is(bob: User, queue: Queue, browse: Browse) -> None:
    body = {"jobName": "json", "image": "a", "command": ["x", ""], "envs": [{"name": "A", "value": "1\r\n2"}]}
    post_spec(browse(bob), {**body, "jobName": "json"}, jobName="ignored")
    config = Job.objects.get().config
    assert {name: config[name] for name in body} == body


@pytest.mark.parametrize(
    "body", [{"envs": 5}, {"envs": [1]}, {"resources": []}, {"command": {"a": 1}}, {"image": [[]]}]
)
def test_json_of_another_shape_is_refused_and_kept(
    body: dict[str, Any], bob: User, queue: Queue, browse: Browse
) -> None:
    whole = {"jobName": "x", "image": "a", "command": "b", **body}
    response = post_spec(browse(bob), whole)
    assert response.status_code == 400
    assert json.loads(values(response.content.decode())["spec"]) == whole


def test_the_owners_clone_has_the_secret_unseen(bob: User, browse: Browse, make_job: MakeJob) -> None:
    source, client = with_secret(bob, make_job), browse(bob)
    assert "hush" not in client.get(f"/jobs/new?from={source.public_id}").content.decode()
    post_spec(client, source.config, source=source.public_id)
    clone = Job.objects.exclude(pk=source.pk).get()
    assert secrets.unseal(clone.secret_envs) == {"TOKEN": "hush"}


def test_a_typed_value_replaces_the_secret(bob: User, browse: Browse, make_job: MakeJob) -> None:
    source = with_secret(bob, make_job)
    post_spec(browse(bob), {**source.config, "envs": [{**SECRET, "value": "new"}]}, source=source.public_id)
    assert secrets.unseal(Job.objects.exclude(pk=source.pk).get().secret_envs) == {"TOKEN": "new"}


def test_who_may_not_control_the_job_types_its_secrets_again(
    alice: User, project: Project, browse: Browse, make_job: MakeJob
) -> None:
    source = with_secret(alice, make_job)
    member = make_user("member", project)
    response = post_spec(browse(member), source.config, source=source.public_id)
    assert response.status_code == 400
    assert 'id="e-env-0"' in response.content.decode()
    assert Job.objects.count() == 1


def test_typing_is_checked_without_submitting(bob: User, queue: Queue, browse: Browse) -> None:
    body = {"resources": {"cpu": "many"}, "queue": "default", "nonsense": 1}
    answer = browse(bob).post("/jobs/new/check", json.dumps(body), content_type="application/json").json()
    assert {one["field"] for one in answer["errors"]} == {"cpu", "spec"}
    assert answer["outlook"] is None
    answer = browse(bob).post("/jobs/new/check", "{}", content_type="application/json").json()
    assert (answer["errors"], answer["outlook"]["fitsNow"]) == ([], True)
    answer = browse(bob).post("/jobs/new/check", "{", content_type="application/json").json()
    assert [one["field"] for one in answer["errors"]] == ["spec"]
    assert not Job.objects.exists()


def test_checking_says_what_a_submit_would_refuse(charlie: User, bob: User, queue: Queue, browse: Browse) -> None:
    body = json.dumps({"resourcePoolId": "nowhere"})
    answer = browse(bob).post("/jobs/new/check", body, content_type="application/json").json()
    assert [one["field"] for one in answer["errors"]] == ["place"]
    answer = browse(charlie).post("/jobs/new/check", "{}", content_type="application/json").json()
    assert [one["field"] for one in answer["errors"]] == ["spec"]
