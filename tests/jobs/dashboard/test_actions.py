"""Stop and delete."""

import pytest
from django.test import Client

from accounts.models import User
from jobs.models import AuditEntry, Job
from tests.jobs.dashboard.conftest import Browse, MakeJob


def test_stop_asks_the_job_to_end_and_returns_to_it(bob: User, browse: Browse, running: Job) -> None:
    response = browse(bob).post(f"/jobs/{running.public_id}/stop")
    assert response["Location"] == f"/jobs/{running.public_id}"
    running.refresh_from_db()
    assert running.status == "Stopping"
    assert AuditEntry.objects.filter(action="job.stop", actor=bob, address="127.0.0.1").exists()


def test_stop_of_an_ended_job_says_why_not(bob: User, browse: Browse, make_job: MakeJob) -> None:
    job = make_job(bob, status="Succeeded")
    response = browse(bob).post(f"/jobs/{job.public_id}/stop", follow=True)
    assert "already ended as Succeeded" in response.content.decode()


def test_delete_hides_the_job_and_returns_to_the_list(bob: User, browse: Browse, running: Job) -> None:
    client = browse(bob)
    response = client.post(f"/jobs/{running.public_id}/delete", {"next": "/?status=Running"})
    assert response["Location"] == "/?status=Running"
    assert "Job deleted" in client.get("/").content.decode()
    assert client.get(f"/jobs/{running.public_id}").status_code == 404


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil"])
def test_it_returns_to_this_site_only(target: str, bob: User, browse: Browse, running: Job) -> None:
    response = browse(bob).post(f"/jobs/{running.public_id}/delete", {"next": target})
    assert response["Location"] == "/"


@pytest.mark.parametrize("action", ["stop", "delete"])
def test_a_viewer_and_a_stranger_are_refused(
    action: str, charlie: User, mallory: User, browse: Browse, running: Job
) -> None:
    assert browse(charlie).post(f"/jobs/{running.public_id}/{action}").status_code == 403
    assert browse(mallory).post(f"/jobs/{running.public_id}/{action}").status_code == 404
    running.refresh_from_db()
    assert running.status == "Running"
    assert running.deleted_at is None


@pytest.mark.parametrize("action", ["stop", "delete"])
def test_a_get_only_asks(action: str, bob: User, browse: Browse, running: Job) -> None:
    response = browse(bob).get(f"/jobs/{running.public_id}/{action}")
    assert "running job" in response.content.decode()
    running.refresh_from_db()
    assert running.status == "Running"


@pytest.mark.parametrize("action", ["stop", "delete"])
def test_a_post_without_the_csrf_token_is_refused_in_words(action: str, bob: User, running: Job) -> None:
    client = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    client.force_login(bob, backend="django.contrib.auth.backends.ModelBackend")
    response = client.post(f"/jobs/{running.public_id}/{action}")
    assert response.status_code == 403
    assert "load the page again" in response.content.decode()
    running.refresh_from_db()
    assert running.status == "Running"
