"""The page of templates, and the form that keeps and begins with one."""

from typing import Any

from django.test import Client

from accounts.models import User
from jobs.models import Job, JobTemplate, Queue
from tests.jobs.dashboard.conftest import Browse
from tests.jobs.dashboard.test_create import FILLED, values


def keep(client: Client, **fields: Any) -> Any:
    return client.post("/templates", {**FILLED, **fields})


def test_the_form_is_kept_under_the_jobs_name(bob: User, queue: Queue, browse: Browse) -> None:
    client = browse(bob)
    assert keep(client, other='{"labels": {"a": "1"}}')["Location"] == "/templates"
    template = JobTemplate.objects.get()
    assert (template.name, template.owner, template.spec["labels"]) == ("from the form", bob, {"a": "1"})
    assert "from the form" in client.get("/templates").content.decode()
    assert not Job.objects.exists()


def test_a_form_begun_with_it_says_the_same(bob: User, queue: Queue, browse: Browse) -> None:
    client = browse(bob)
    keep(client, cpu="500m")
    page = client.get(f"/jobs/new?template={JobTemplate.objects.get().pk}").content.decode()
    assert (values(page)["jobName"], values(page)["cpu"]) == ("from the form", "500m")


def test_what_is_wrong_is_said_in_the_form(bob: User, queue: Queue, browse: Browse) -> None:
    response = keep(browse(bob), cpu="many")
    assert response.status_code == 400
    assert 'id="e-cpu"' in response.content.decode()
    assert not JobTemplate.objects.exists()


def test_the_same_name_again_is_said_and_changes_nothing(bob: User, queue: Queue, browse: Browse) -> None:
    client = browse(bob)
    keep(client)
    response = keep(client, cpu="1")
    assert 'id="e-jobName"' in response.content.decode()
    assert "resources" not in JobTemplate.objects.get().spec


def test_the_template_it_began_with_is_changed(bob: User, queue: Queue, browse: Browse) -> None:
    client = browse(bob)
    keep(client)
    keep(client, cpu="1", template=JobTemplate.objects.get().pk)
    assert JobTemplate.objects.get().spec["resources"] == {"cpu": "1"}
    keep(client, jobName="another", template=JobTemplate.objects.get().pk)
    assert JobTemplate.objects.count() == 2


def test_its_secrets_are_typed_again(bob: User, queue: Queue, browse: Browse) -> None:
    client, secret = browse(bob), {"env_name": "TOKEN", "env_kind": "secret"}
    keep(client, **secret, env_value="hush")
    pk = JobTemplate.objects.get().pk
    assert client.post("/jobs/new", {**FILLED, **secret, "env_value": "", "template": pk}).status_code == 400
    assert client.post("/jobs/new", {**FILLED, **secret, "env_value": "x", "template": pk}).status_code == 302


def test_only_who_may_delete_it_can(alice: User, bob: User, charlie: User, queue: Queue, browse: Browse) -> None:
    keep(browse(bob))
    path = f"/templates/{JobTemplate.objects.get().pk}/delete"
    assert "/delete" not in browse(charlie).get("/templates").content.decode()
    assert browse(charlie).post(path).status_code == 403
    assert browse(alice).post(path)["Location"] == "/templates"
    assert not JobTemplate.objects.exists()


def test_another_projects_template_is_not_there(bob: User, mallory: User, queue: Queue, browse: Browse) -> None:
    keep(browse(bob))
    template, stranger = JobTemplate.objects.get(), browse(mallory)
    assert "from the form" not in stranger.get("/templates").content.decode()
    assert stranger.get(f"/jobs/new?template={template.pk}").status_code == 404
    assert stranger.post(f"/templates/{template.pk}/delete").status_code == 404
