"""Stop and delete from the job list: confirmed, through the services, told one by one."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Project, User
from jobs.admin import actions
from jobs.models import AuditEntry, Job, Queue
from jobs.states import JobStatus
from tests.admin_site import logged_in, make_job, page_url


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root")


@pytest.fixture
def client(root: User) -> Client:
    return logged_in(root)


@pytest.fixture
def running(project: Project, bob: User, queue: Queue) -> Job:
    return make_job(project, bob, queue, name="running", status=JobStatus.RUNNING.value)


@pytest.fixture
def ended(project: Project, bob: User, queue: Queue) -> Job:
    return make_job(project, bob, queue, name="ended", status=JobStatus.SUCCEEDED.value)


def act(client: Client, action: str, *jobs: Job, confirmed: bool = True) -> str:
    data: dict[str, Any] = {"action": action, "_selected_action": [job.pk for job in jobs]}
    response = client.post(page_url(Job, "changelist"), data | ({"confirmed": "yes"} if confirmed else {}), follow=True)
    assert response.status_code == 200
    return str(response.content.decode())


@pytest.mark.parametrize("action", ["stop_jobs", "delete_jobs"])
def test_it_asks_first_with_the_count_and_the_names(client: Client, running: Job, ended: Job, action: str) -> None:
    content = act(client, action, running, ended, confirmed=False)
    assert "2 training jobs" in content
    assert running.public_id in content
    assert 'name="confirmed" value="yes"' in content
    assert not AuditEntry.objects.exclude(action="job.create").exists()


def test_stop_asks_the_job_to_end_in_the_name_of_the_operator(client: Client, running: Job, root: User) -> None:
    assert "1 training job is stopping" in act(client, "stop_jobs", running)
    running.refresh_from_db()
    assert running.status == JobStatus.STOPPING.value
    entry = AuditEntry.objects.get(action="job.stop")
    assert (entry.actor, entry.object_id, entry.address) == (root, running.public_id, "127.0.0.1")
    assert entry.request_id


def test_a_job_that_cannot_be_stopped_is_told_and_the_others_are_stopped(
    client: Client, running: Job, ended: Job
) -> None:
    content = act(client, "stop_jobs", ended, running)
    assert "1 training job is stopping" in content
    assert f"{ended.public_id}): The training job has already ended as Succeeded" in content
    running.refresh_from_db()
    assert running.status == JobStatus.STOPPING.value


def test_delete_hides_the_jobs_and_keeps_their_rows(client: Client, running: Job, ended: Job) -> None:
    assert "2 training jobs were deleted" in act(client, "delete_jobs", running, ended)
    rows = {job.name: job for job in Job.objects.all()}
    assert rows["ended"].deleted_at
    assert rows["running"].deleted_at
    assert (rows["running"].desired, rows["running"].status) == ("delete", JobStatus.STOPPING.value)


def test_many_refusals_are_summed_up(
    client: Client, ended: Job, project: Project, bob: User, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "TOLD", 1)
    other = make_job(project, bob, queue, name="other", status=JobStatus.FAILED.value)
    assert "1 more were refused" in act(client, "stop_jobs", ended, other)


def test_too_many_at_once_are_refused_as_a_whole(
    client: Client, running: Job, ended: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MOST", 1)
    assert "More than 1 training jobs" in act(client, "delete_jobs", running, ended)
    assert not Job.objects.exclude(deleted_at=None).exists()


def test_an_admin_of_a_project_has_no_way_in(running: Job, alice: User) -> None:
    response = logged_in(alice).post(
        page_url(Job, "changelist"), {"action": "stop_jobs", "_selected_action": [running.pk], "confirmed": "yes"}
    )
    assert response.status_code == 302
    running.refresh_from_db()
    assert running.status == JobStatus.RUNNING.value
