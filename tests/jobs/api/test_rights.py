"""Who may do what on which route (S8): a stranger's job does not exist, a missing right is said."""

import pytest

from tests.api_client import CREATE, ApiClient, error
from tests.jobs.conftest import submit

pytestmark = pytest.mark.django_db

ROUTES = [
    ("GET", ""),
    ("POST", "/stop"),
    ("DELETE", ""),
    ("GET", "/events"),
    ("GET", "/pods"),
    ("GET", "/metrics"),
    ("GET", "/recordings"),
    ("GET", "/recordings/rec-0000000000000000"),
    ("GET", "/pods/{pod}/logs"),
    ("GET", "/pods/{pod}/webterminal"),
]
CONTROL = {("POST", "/stop"), ("DELETE", "")}


def call(user, method, job, route):
    return ApiClient(user).call(method, f"/api/jobs/{job.public_id}{route.format(pod=job.public_id + '-1-0')}")


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_a_foreign_job_does_not_exist_on_any_route(api, foreign_job, method, route):
    assert error(call(api.user, method, foreign_job, route)) == (404, "JOB_NOT_FOUND")
    foreign_job.refresh_from_db()
    assert foreign_job.deleted_at is None
    assert foreign_job.status == "Pending"


def test_a_foreign_job_is_in_no_list(api, foreign_job):
    for body in (
        {},
        {"keyword": foreign_job.public_id},
        {"projectId": "other"},
        {"status": "Pending"},
        {"owner": "mallory"},
    ):
        assert api.post("/api/jobs", body).json()["data"] == {"jobs": [], "totalCount": 0}


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_nobody_comes_in_without_credentials(job, method, route):
    assert error(call(None, method, job, route)) == (401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize("path", ["/api/jobs", "/api/jobs/create", "/api/resource-pools"])
def test_a_401_says_how_to_log_in(queue, path):
    response = ApiClient().call("GET" if "pools" in path else "POST", path, None if "pools" in path else CREATE)
    assert error(response) == (401, "NOT_AUTHENTICATED")
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "route"), sorted(CONTROL))
@pytest.mark.parametrize(("name", "allowed"), [("alice", True), ("bob", True), ("charlie", False)])
def test_an_admin_controls_any_job_and_a_member_their_own(request, bob, queue, name, allowed, method, route):
    user = request.getfixturevalue(name)
    response = call(user, method, submit(bob), route)
    if allowed:
        assert response.status_code == 200
    else:
        assert error(response) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(("method", "route"), sorted(CONTROL))
def test_a_member_does_not_control_somebody_elses_job(alice, bob, queue, method, route):
    assert error(call(bob, method, submit(alice), route)) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    ("name", "status"), [("alice", 201), ("bob", 201), ("charlie", 403), ("mallory", 404), ("admin_user", 201)]
)
def test_who_may_submit_to_the_project(request, project, queue, name, status):
    user = request.getfixturevalue(name)
    assert ApiClient(user).post("/api/jobs/create", {**CREATE, "projectId": "default"}).status_code == status


def test_a_user_without_any_project_sees_nothing_and_submits_nothing(django_user_model, job):
    nobody = ApiClient(django_user_model.objects.create_user("nobody"))
    assert nobody.post("/api/jobs").json()["data"]["totalCount"] == 0
    assert error(nobody.post("/api/jobs/create", CREATE)) == (404, "PROJECT_NOT_FOUND")
    assert error(nobody.get(f"/api/jobs/{job.public_id}")) == (404, "JOB_NOT_FOUND")
