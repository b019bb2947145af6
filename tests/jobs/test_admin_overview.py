"""The operators' first page."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Project, User
from jobs import doctor
from jobs.admin import overview
from jobs.findings import Finding, Level
from jobs.models import PoolUse, Queue, ResourcePool
from jobs.reconcile import usage
from jobs.states import JobStatus
from tests.admin_site import logged_in, make_job


@pytest.fixture
def client(db: None) -> Client:
    return logged_in(User.objects.create_superuser("root"))


def page(client: Client, path: str = "/admin/") -> str:
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_it_shows_counts_pools_who_waits_and_why_jobs_fail(
    client: Client, project: Project, bob: User, queue: Queue, pool: ResourcePool
) -> None:
    make_job(project, bob, queue, name="in line", status=JobStatus.QUEUED.value)
    for number in range(3):
        make_job(project, bob, queue, name=f"f{number}", status=JobStatus.FAILED.value, status_reason="OutOfMemory")
    PoolUse.objects.all().delete()  # what make_job made up
    now = timezone.now()
    usage.sample(now.replace(minute=now.minute // overview.STEP_MINUTES * overview.STEP_MINUTES))
    text = page(client)
    assert "<strong>3</strong> <span>Failed</span>" in text
    assert "<strong>1</strong> <span>Queued</span>" in text
    assert "No agent yet" in text
    assert "in line" in text
    assert 'OutOfMemory</th><td class="o-number">3' in text
    assert '<span class="is-waiting">Waiting 1</span>' in text


def test_an_empty_platform_says_what_to_do(client: Client) -> None:
    text = page(client)
    assert "No resource pool yet" in text
    assert "Nobody waits." in text
    assert "None of them failed." in text


def test_it_costs_the_same_however_many_jobs(
    client: Client, project: Project, bob: User, queue: Queue, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        make_job(project, bob, queue, name=f"job {number}", status=JobStatus.QUEUED.value)
    page(client)
    with django_assert_max_num_queries(12):
        page(client)


def test_the_health_of_the_processes_is_told_with_remedies(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Finding(Level.PROBLEM, "worker", "none <answers>", "Start one."), Finding(Level.OK, "disk", "half free")]
    monkeypatch.setattr(doctor, "examine", lambda: found)
    text = page(client, "/admin/health")
    assert "none &lt;answers&gt;" in text
    assert "Start one." in text
    assert text.index("Problem") < text.index("Good")


def test_staff_who_are_no_superusers_see_neither(db: None) -> None:
    staff = logged_in(User.objects.create_user("staff", is_staff=True))
    assert "Waiting longest" not in page(staff)
    assert staff.get("/admin/health").status_code == 403
