"""Templates: create bodies kept under a name, for a project's members."""

from typing import Any

import pytest

from accounts.models import User
from jobs.models import AuditEntry, JobTemplate
from tests.api_client import ApiClient, error
from tests.jobs.conftest import CONFIG

PATH = "/api/job-templates"


def made(api: ApiClient, name: str = "nightly", **spec: Any) -> dict[str, Any]:
    answer = api.post(PATH, {"name": name, "spec": {**CONFIG, **spec}})
    assert answer.status_code == 201, answer.content
    data: dict[str, Any] = answer.json()["data"]
    return data


def test_a_kept_body_can_be_submitted_as_it_is(api: ApiClient) -> None:
    kept = made(api, labels={"team": "vision"}, command="true")
    read = api.get(f"{PATH}/{kept['templateId']}").json()["data"]
    assert read == kept
    assert (read["owner"], read["projectId"]) == ("bob", "default")
    job = api.post("/api/jobs/create", read["spec"]).json()["data"]["jobId"]
    assert api.get(f"/api/jobs/{job}").json()["data"]["config"]["labels"] == {"team": "vision"}


def test_the_values_of_secrets_are_not_kept(api: ApiClient) -> None:
    made(api, envs=[{"name": "TOKEN", "value": "hush", "secret": True}])
    assert JobTemplate.objects.get().spec["envs"] == [{"name": "TOKEN", "secret": True}]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x"},
        {"name": "", "spec": CONFIG},
        {"name": "x", "spec": {}},
        {"name": "x", "spec": {**CONFIG, "a": 1}},
    ],
)
def test_what_no_create_would_take_is_refused(body: dict[str, Any], api: ApiClient) -> None:
    assert error(api.post(PATH, body)) == (400, "VALIDATION_ERROR")


def test_a_name_is_there_once_in_a_project(api: ApiClient) -> None:
    made(api)
    assert error(api.post(PATH, {"name": "nightly", "spec": CONFIG})) == (409, "TEMPLATE_EXISTS")
    other = made(api, "other")
    path = f"{PATH}/{other['templateId']}"
    assert error(api.call("PUT", path, {"name": "nightly", "spec": CONFIG})) == (409, "TEMPLATE_EXISTS")


def test_changing_replaces_it(api: ApiClient) -> None:
    path = f"{PATH}/{made(api, labels={'a': '1'})['templateId']}"
    changed = api.call("PUT", path, {"name": "daily", "spec": {**CONFIG, "replicas": 2}}).json()["data"]
    assert (changed["name"], changed["spec"]["replicas"]) == ("daily", 2)
    assert "labels" not in changed["spec"]


def test_members_see_it_and_its_owner_and_admins_change_it(
    api: ApiClient, alice: User, charlie: User, mallory: User
) -> None:
    path = f"{PATH}/{made(api)['templateId']}"
    body = {"name": "mine", "spec": CONFIG}
    viewer, stranger = ApiClient(charlie), ApiClient(mallory)
    assert len(viewer.get(PATH).json()["data"]["templates"]) == 1
    assert error(viewer.call("PUT", path, body)) == error(viewer.delete(path)) == (403, "PERMISSION_DENIED")
    assert error(viewer.post(PATH, body)) == (403, "PERMISSION_DENIED")
    assert stranger.get(PATH).json()["data"]["templates"] == []
    for call in (stranger.get(path), stranger.call("PUT", path, body), stranger.delete(path)):
        assert error(call) == (404, "TEMPLATE_NOT_FOUND")
    assert ApiClient(alice).delete(path).status_code == 200
    assert not JobTemplate.objects.exists()


def test_every_change_is_audited(api: ApiClient) -> None:
    path = f"{PATH}/{made(api)['templateId']}"
    api.call("PUT", path, {"name": "mine", "spec": CONFIG})
    api.delete(path)
    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["template.create", "template.change", "template.delete"]


@pytest.mark.parametrize("pk", ["x", "0", "9" * 30, "%00"])
def test_nonsense_is_not_there(pk: str, api: ApiClient) -> None:
    assert error(api.get(f"{PATH}/{pk}")) == (404, "TEMPLATE_NOT_FOUND")
