"""Every page of the operators' site answers, for superusers alone, without secrets, at the same cost for many rows."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.db.models import Model
from django.test import Client

from accounts.models import Project, User
from jobs.models import AuditEntry, Event, Job, Pod, Queue, ResourcePool
from jobs_platform import admin_menu
from jobs_platform.admin_classes import BoundedPaginator
from tests.admin_site import CANARY, logged_in, make_job, page_url, queries_of, registered
from tests.conftest import make_user

MODELS = sorted(apps.get_app_config("jobs").get_models(), key=lambda model: model.__name__)
RECORDS = [model for model in MODELS if model not in (ResourcePool, Queue)]


@pytest.fixture
def client(db: None) -> Client:
    return logged_in(User.objects.create_superuser("root"))


@pytest.fixture
def job(project: Project, bob: User, queue: Queue) -> Job:
    return make_job(project, bob, queue)


def test_every_model_has_a_page() -> None:
    assert set(registered("jobs")) == set(MODELS)


def test_every_page_is_in_the_menu_of_a_superuser(client: Client, job: Job) -> None:
    content = client.get("/admin/").content.decode()
    missing = [model for model in site._registry if page_url(model, "changelist") not in content]
    assert missing == []
    named = [label for _title, labels in admin_menu.GROUPS for label in labels]
    assert {model._meta.label for model in site._registry} == set(named)


@pytest.mark.parametrize("model", MODELS)
def test_its_pages_answer_and_show_no_secret(model: type[Model], client: Client, job: Job) -> None:
    row = model._default_manager.all()[:1].get()
    for url in (page_url(model, "changelist"), page_url(model, "change", row.pk), page_url(model, "history", row.pk)):
        response = client.get(url)
        assert response.status_code == 200, url
        content = response.content.decode()
        assert CANARY not in content
        assert job.secret_envs not in content


@pytest.mark.parametrize("model", MODELS)
def test_a_search_answers(model: type[Model], client: Client, job: Job) -> None:
    for term in (job.public_id, f"{job.public_id}-1-0", "%_", '"', "ab cd"):
        assert client.get(page_url(model, "changelist"), {"q": term}).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_a_page_costs_the_same_for_many_rows(
    model: type[Model], client: Client, job: Job, project: Project, bob: User, queue: Queue
) -> None:
    url = page_url(model, "changelist")
    before = queries_of(client, url)
    for number in range(5):
        more = Queue.objects.create(pool=queue.pool, name=f"q{number}")
        make_job(project, bob, more, name=f"more {number}")
    assert queries_of(client, url) == before


@pytest.mark.parametrize("model", MODELS)
def test_others_are_sent_to_the_log_in_or_refused(model: type[Model], job: Job, alice: User) -> None:
    url = page_url(model, "changelist")
    assert Client().get(url).status_code == 302
    assert logged_in(alice).get(url).status_code == 302
    staff = make_user("staff")
    staff.is_staff = True
    staff.save()
    assert logged_in(staff).get(url).status_code == 403


@pytest.mark.parametrize("model", RECORDS)
def test_records_can_be_neither_made_nor_changed_nor_deleted(model: type[Model], client: Client, job: Job) -> None:
    row = model._default_manager.all()[:1].get()
    assert client.get(page_url(model, "add")).status_code == 403
    assert client.post(page_url(model, "change", row.pk), {"status": "Succeeded"}).status_code == 403
    assert client.post(page_url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    forged = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    client.post(page_url(model, "changelist"), forged)
    assert model._default_manager.filter(pk=row.pk).exists()


def test_model_permissions_do_not_open_records_to_staff(job: Job) -> None:
    from django.contrib.auth.models import Permission

    staff = make_user("staff")
    staff.is_staff = True
    staff.save()
    staff.user_permissions.set(Permission.objects.filter(content_type__app_label="jobs"))
    assert logged_in(staff).get(page_url(Job, "changelist")).status_code == 403
    assert logged_in(staff).get(page_url(ResourcePool, "changelist")).status_code == 200


def test_search_finds_a_job_by_a_part_of_its_name_or_id(
    client: Client, job: Job, project: Project, bob: User, queue: Queue
) -> None:
    make_job(project, bob, queue, name="another one")
    for term in ("igit", job.public_id[-8:]):
        content = client.get(page_url(Job, "changelist"), {"q": term}).content.decode()
        assert job.public_id in content
        assert "another one" not in content


@pytest.mark.parametrize("model", [Pod, Event, AuditEntry])
def test_search_finds_the_records_of_a_job(
    model: type[Model], client: Client, job: Job, project: Project, bob: User, queue: Queue
) -> None:
    other = make_job(project, bob, queue)
    content = client.get(page_url(model, "changelist"), {"q": job.public_id}).content.decode()
    assert job.public_id in content
    assert other.public_id not in content


def test_deleted_jobs_are_shown_on_request(client: Client, job: Job) -> None:
    from django.utils import timezone

    Job.objects.update(deleted_at=timezone.now())
    assert job.public_id not in client.get(page_url(Job, "changelist")).content.decode()
    assert job.public_id in client.get(page_url(Job, "changelist"), {"deleted": "1"}).content.decode()


def test_jobs_are_filtered_by_status_and_project(
    client: Client, job: Job, project: Project, other_project: Project, bob: User, queue: Queue
) -> None:
    running = make_job(project, bob, queue, status="Running")
    elsewhere = make_job(other_project, bob, queue, status="Running")

    def shown(**query: Any) -> set[str]:
        content = client.get(page_url(Job, "changelist"), query).content.decode()
        return {row.public_id for row in (job, running, elsewhere) if row.public_id in content}

    assert shown(status__exact="Running") == {running.public_id, elsewhere.public_id}
    assert shown(status__exact="Running", project__id__exact=project.pk) == {running.public_id}
    assert shown(status__exact="Failed") == set()
    assert shown(status__exact="Running", deleted="1") == set()


def test_the_count_stops_at_its_bound(
    client: Client, job: Job, project: Project, bob: User, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedPaginator, "LIMIT", 2)
    assert "or more" not in client.get(page_url(Job, "changelist")).content.decode()
    make_job(project, bob, queue)
    make_job(project, bob, queue)
    assert "2 rows or more" in client.get(page_url(Job, "changelist")).content.decode()


def test_markup_in_a_name_stays_text(client: Client, project: Project, bob: User, queue: Queue) -> None:
    row = make_job(project, bob, queue, name="<img src=x>")
    for url in (page_url(Job, "changelist"), page_url(Job, "change", row.pk)):
        content = client.get(url).content.decode()
        assert "<img src=x>" not in content
        assert "&lt;img src=x&gt;" in content


def test_nothing_but_pools_and_queues_is_writable() -> None:
    from django.test import RequestFactory

    request = RequestFactory().get("/admin/")
    request.user = User(username="root", is_staff=True, is_superuser=True)
    writable = {model for model in registered("jobs") if site._registry[model].has_change_permission(request)}
    assert writable == {ResourcePool, Queue}
