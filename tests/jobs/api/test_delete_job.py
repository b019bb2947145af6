import pytest

from jobs.models import Job
from tests.api_client import ApiClient, error

pytestmark = pytest.mark.django_db


def test_it_answers_as_the_contract_shows(bob, job):
    response = ApiClient(bob, language="").delete(f"/api/jobs/{job.public_id}")
    assert response.status_code == 200
    assert response.json() == {"success": True, "message": "任务已删除"}


@pytest.mark.parametrize("status", ["Pending", "Running", "Stopping", "Stopped", "Succeeded", "Failed"])
def test_in_any_state_it_is_gone_everywhere(api, job, status):
    Job.objects.filter(pk=job.pk).update(status=status)
    assert api.delete(f"/api/jobs/{job.public_id}").status_code == 200
    path = f"/api/jobs/{job.public_id}"
    for method, route in [
        ("GET", ""), ("DELETE", ""), ("POST", "/stop"), ("GET", "/events"), ("GET", "/pods"),
    ]:  # fmt: skip
        assert error(api.call(method, path + route)) == (404, "JOB_NOT_FOUND")
    assert api.post("/api/jobs").json()["data"] == {"jobs": [], "totalCount": 0}


def test_a_running_job_is_stopped_first(api, job):
    Job.objects.filter(pk=job.pk).update(status="Running")
    api.delete(f"/api/jobs/{job.public_id}/")
    job.refresh_from_db()
    assert (job.status, job.desired) == ("Stopping", "delete")
