"""Stop and delete from the job list: confirmed, through the services, told one by one."""

import csv
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Project, User
from jobs import secrets
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


def test_run_again_makes_a_new_job_of_the_same_owner_with_its_secrets(client: Client, ended: Job, bob: User) -> None:
    Job.objects.filter(pk=ended.pk).update(secret_envs=secrets.seal({"TOKEN": "abc"}))
    assert "1 training job was created" in act(client, "run_jobs_again", ended)
    again = Job.objects.exclude(pk=ended.pk).get()
    assert (again.name, again.owner, again.config["image"]) == (ended.name, bob, ended.config["image"])
    assert secrets.unseal(again.secret_envs) == {"TOKEN": "abc"}
    assert again.state is JobStatus.PENDING
    assert AuditEntry.objects.get(action="job.create", object_id=again.public_id).actor_name == "root"


def test_a_job_that_runs_is_not_run_again(client: Client, running: Job) -> None:
    assert "Stop it first" in act(client, "run_jobs_again", running)
    assert Job.objects.count() == 1


def test_the_export_is_a_file_in_which_no_cell_is_a_formula(client: Client, ended: Job) -> None:
    Job.objects.filter(pk=ended.pk).update(name="=HYPERLINK(1)")
    data: dict[str, Any] = {"action": "export_jobs", "_selected_action": [ended.pk]}
    response = client.post(page_url(Job, "changelist"), data)
    assert "training-jobs.csv" in response["Content-Disposition"]
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    head, row = csv.reader(text.splitlines())
    assert head[:3] == ["jobId", "jobName", "status"]
    assert row[:3] == [ended.public_id, "'=HYPERLINK(1)", "Succeeded"]
    assert AuditEntry.objects.get(action="job.export").detail == {"jobs": 1}


@pytest.mark.parametrize(("age", "found"), [("1h", 1), ("24h", 2), ("nonsense", 3)])
def test_the_list_is_filtered_by_age(
    client: Client, project: Project, bob: User, queue: Queue, age: str, found: int
) -> None:
    now = timezone.now()
    for hours in (48, 5, 0):
        job = make_job(project, bob, queue, name=f"{hours} hours old")
        Job.objects.filter(pk=job.pk).update(created_at=now - timedelta(hours=hours))
    content = client.get(page_url(Job, "changelist"), {"created": age}).content.decode()
    assert content.count(" hours old") == found


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
