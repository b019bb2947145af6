"""Who sees which page."""

import pytest
from django.test import Client

from accounts.models import User
from jobs.models import Job
from tests.jobs.dashboard.conftest import Browse

PAGES = [
    "/",
    "/jobs/rows",
    "/jobs/new",
    "/account",
    "/templates",
    "/jobs/{id}",
    "/jobs/{id}/live",
    "/jobs/{id}/stop",
    "/jobs/{id}/delete",
    "/jobs/{id}/logs",
    "/jobs/{id}/pods/{id}-1-0/logs",
    "/jobs/{id}/pods/{id}-1-0/terminal",
]
OF_CONTROLLERS = {"/jobs/{id}/stop", "/jobs/{id}/delete", "/jobs/{id}/pods/{id}-1-0/terminal"}
OF_THE_JOB = [page for page in PAGES if "{id}" in page]


def address(page: str, job: Job) -> str:
    return page.replace("{id}", job.public_id)


@pytest.mark.parametrize("page", PAGES)
def test_it_sends_a_stranger_to_the_log_in_and_back(page: str, running: Job) -> None:
    response = Client().get(address(page, running))
    assert response.status_code == 302
    assert response["Location"] == f"/login?next={address(page, running)}"


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("page", PAGES)
def test_an_admin_and_the_owner_see_every_page(
    page: str, language: str, running: Job, alice: User, bob: User, browse: Browse
) -> None:
    for user in (alice, bob):
        response = browse(user, language).get(address(page, running))
        assert response.status_code == 200, user
        assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("page", PAGES)
def test_a_viewer_sees_jobs_and_may_not_act(page: str, running: Job, charlie: User, browse: Browse) -> None:
    response = browse(charlie).get(address(page, running))
    assert response.status_code == (403 if page in OF_CONTROLLERS | {"/jobs/new"} else 200)


@pytest.mark.parametrize("page", OF_THE_JOB)
def test_a_job_of_another_project_is_not_there(page: str, running: Job, mallory: User, browse: Browse) -> None:
    response = browse(mallory).get(address(page, running))
    assert response.status_code == 404
    assert "running job" not in response.content.decode()


def test_a_viewer_is_shown_no_buttons(running: Job, charlie: User, browse: Browse) -> None:
    for page in ("/", "/jobs/{id}"):
        text = browse(charlie).get(address(page, running)).content.decode()
        assert "running job" in text
        assert "data-confirm" not in text
        assert "/terminal" not in text
        assert "/jobs/new" not in text


def test_a_refresh_after_the_log_in_has_run_out_reloads_the_page(running: Job) -> None:
    response = Client().get("/jobs/rows", headers={"HX-Request": "true"})
    assert response.status_code == 401
    assert response["HX-Refresh"] == "true"
