import pytest

from jobs.models import Job
from tests.api_client import CREATE, ApiClient, details, error

pytestmark = pytest.mark.django_db
PATH = "/api/jobs/create"


def test_the_same_key_and_body_are_one_job(api):
    answers = [api.post(PATH, CREATE, idempotency_key="k1") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["data"]["jobId"] for answer in answers}) == 1
    assert Job.objects.count() == 1


def test_a_default_that_is_spelled_out_is_the_same_body(api):
    first = api.post(PATH, CREATE, idempotency_key="k1").json()
    assert api.post(PATH, {**CREATE, "replicas": 1, "queue": None}, idempotency_key="k1").json() == first


def test_the_same_key_for_another_body_is_refused(api):
    api.post(PATH, CREATE, idempotency_key="k1")
    response = api.post(PATH, {**CREATE, "jobName": "other"}, idempotency_key="k1")
    assert error(response) == (409, "IDEMPOTENCY_MISMATCH")


def test_another_secret_is_another_body(api):
    envs = [{"name": "T", "value": "a", "secret": True}]
    api.post(PATH, {**CREATE, "envs": envs}, idempotency_key="k1")
    changed = [{**envs[0], "value": "b"}]
    response = api.post(PATH, {**CREATE, "envs": changed}, idempotency_key="k1")
    assert error(response) == (409, "IDEMPOTENCY_MISMATCH")


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "é"])
def test_a_key_must_be_printable_and_short(api, key):
    assert list(details(api.post(PATH, CREATE, idempotency_key=key))) == ["Idempotency-Key"]


def test_the_longest_key_is_fine(api):
    assert api.post(PATH, CREATE, idempotency_key="x" * 255).status_code == 201


def test_the_key_of_another_project_is_free(api, mallory):
    api.post(PATH, CREATE, idempotency_key="k1")
    assert ApiClient(mallory).post(PATH, CREATE, idempotency_key="k1").status_code == 201
    assert Job.objects.count() == 2
