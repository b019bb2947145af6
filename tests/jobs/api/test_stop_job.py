import pytest

from jobs.models import AuditEntry, Job
from tests.api_client import ApiClient, error

pytestmark = pytest.mark.django_db


def stop(api, job, **headers):
    return api.post(f"/api/jobs/{job.public_id}/stop", **headers)


def test_it_answers_as_the_contract_shows(bob, job):
    response = stop(ApiClient(bob, language=""), job)
    assert response.status_code == 200
    assert response.json() == {"success": True, "message": "任务已停止"}


def test_the_job_is_stopping_at_once_and_audited(api, job):
    stop(api, job)
    assert api.get(f"/api/jobs/{job.public_id}").json()["data"]["status"] == "Stopping"
    assert AuditEntry.objects.filter(action="job.stop", object_id=job.public_id).exists()


@pytest.mark.parametrize("status", ["Stopping", "Stopped"])
def test_again_is_the_same_answer(api, job, status):
    Job.objects.filter(pk=job.pk).update(status=status)
    assert stop(api, job).status_code == 200
    assert not AuditEntry.objects.filter(action="job.stop").exists()


@pytest.mark.parametrize("status", ["Succeeded", "Failed"])
def test_a_job_that_ended_by_itself_cannot_be_stopped(api, job, status):
    Job.objects.filter(pk=job.pk).update(status=status)
    response = stop(api, job)
    assert error(response) == (409, "JOB_NOT_ACTIVE")
    assert status in response.json()["message"]


def test_no_body_and_no_media_type_are_needed(api, job):
    assert api.call("POST", f"/api/jobs/{job.public_id}/stop/", content_type="").status_code == 200


def test_it_costs_few_queries(api, job, django_assert_max_num_queries):
    """User; projects, job, role; BEGIN, update, event, audit, COMMIT; projects and job again."""
    with django_assert_max_num_queries(13):
        stop(api, job)
