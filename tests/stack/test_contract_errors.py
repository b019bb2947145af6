"""Every row of the contract's errors, over real HTTP."""

import json
import os
import signal
import time
from collections.abc import Iterator

import pytest
import requests

from tests.stack.people import PASSWORD, People, code_of, gather
from tests.stack.stack import Client, Stack, wait_until
from tests.stack.test_contract_jobs import JOB, PARKED, create, detail

UNKNOWN = "job-0000000000000000"


@pytest.fixture(scope="module")
def people(stack: Stack) -> People:
    return gather(stack)


@pytest.fixture
def bob(people: People) -> Client:
    return people.client("bob")


@pytest.fixture(scope="module")
def parked(people: People) -> Iterator[str]:
    bob = people.client("bob")
    job_id = create(bob, PARKED)
    yield job_id
    bob.delete(f"/api/jobs/{job_id}")


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b'{"jobName": "a\\u0000b", "image": "i", "command": ["x"]}',
        b'{"jobName": "\\ud800", "image": "i", "command": ["x"]}',
        b'{"jobName": "x", "image": "i", "command": ["x"], "replicas": 1e999}',
        b'{"jobName": "x", "image": "i", "command": ["x"], "replicas": ' + b"9" * 4000 + b"}",
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_400_for_what_is_no_proper_json(bob: Client, raw: bytes) -> None:
    for path in ("/api/jobs/create", "/api/jobs"):
        answer = bob.post(path, data=raw, headers={"Content-Type": "application/json"})
        assert code_of(answer) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/jobs/create", {**JOB, "jobName": ""}, "jobName"),
        ("/api/jobs/create", {**JOB, "gpuu": 1}, "gpuu"),
        ("/api/jobs/create", {**JOB, "resources": {"gpuu": 1}}, "resources.gpuu"),
        ("/api/jobs/create", {**JOB, "envs": [{"name": "A", "value": "1"}, {"nam": "B", "name": "B"}]}, "envs[1].nam"),
        ("/api/jobs/create", {**JOB, "resources": {"cpu": "9999"}}, "resources.cpu"),
        ("/api/jobs/create", {**JOB, "securityContext": {"privileged": True}}, "securityContext"),
        ("/api/jobs", {"pageSize": 101}, "pageSize"),
        ("/api/jobs", {"pageNumber": 0}, "pageNumber"),
        ("/api/jobs", {"status": "running"}, "status[0]"),
        ("/api/jobs", {"orderBy": "owner"}, "orderBy"),
        ("/api/jobs", {"page": 1}, "page"),
    ],
)
def test_400_names_the_field(bob: Client, path: str, body: dict[str, object], field: str) -> None:
    answer = bob.post(path, json=body)
    assert code_of(answer) == (400, "VALIDATION_ERROR")
    assert list(answer.json()["details"]) == [field]
    assert answer.json()["details"][field][0]


def test_400_for_a_bad_query_of_logs(bob: Client, parked: str) -> None:
    for query in ("tailLines=-1", "tailLines=x", "limitBytes=-5", "unknown=1"):
        answer = bob.get(f"/api/jobs/{parked}/pods/{parked}-1-0/logs?{query}")
        assert answer.status_code in (400, 404), answer.text
        assert answer.json()["code"] in ("VALIDATION_ERROR", "POD_NOT_FOUND")


def test_400_for_a_bad_idempotency_key(bob: Client) -> None:
    answer = bob.post("/api/jobs/create", json=PARKED, headers={"Idempotency-Key": "x" * 256})
    assert code_of(answer) == (400, "VALIDATION_ERROR")


CALLS = [
    ("POST", "/api/jobs"),
    ("POST", "/api/jobs/create"),
    ("GET", "/api/jobs/{id}"),
    ("POST", "/api/jobs/{id}/stop"),
    ("DELETE", "/api/jobs/{id}"),
    ("GET", "/api/jobs/{id}/events"),
    ("GET", "/api/jobs/{id}/pods"),
    ("GET", "/api/jobs/{id}/pods/{id}-1-0/logs"),
    ("GET", "/api/jobs/{id}/pods/{id}-1-0/webterminal"),
    ("GET", "/api/resource-pools"),
    ("GET", "/api/resource-pools/local/queues"),
    ("GET", "/api/auth/me"),
    ("GET", "/api/auth/tokens"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_401_without_credentials_and_with_expired_ones(people: People, parked: str, method: str, path: str) -> None:
    path = path.format(id=parked)
    answer = people.anonymous().request(method, path, json=JOB if method == "POST" else None)
    assert code_of(answer) == (401, "NOT_AUTHENTICATED")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    answer = people.client("expired").request(method, path, json=JOB if method == "POST" else None)
    assert code_of(answer) == (401, "TOKEN_EXPIRED")


JOB_CALLS = [call for call in CALLS if "{id}" in call[1]]


@pytest.mark.parametrize(("method", "path"), JOB_CALLS)
def test_404_for_an_unknown_job_and_for_a_strangers(people: People, parked: str, method: str, path: str) -> None:
    assert code_of(people.client("bob").request(method, path.format(id=UNKNOWN))) == (404, "JOB_NOT_FOUND")
    assert code_of(people.client("mallory").request(method, path.format(id=parked))) == (404, "JOB_NOT_FOUND")


@pytest.mark.parametrize("odd", ["%00", "..%2f", "job-%F0%9F%98%80", "x" * 3000, "%ED%A0%80"])
@pytest.mark.parametrize(("method", "path"), JOB_CALLS)
def test_404_for_odd_ids(bob: Client, method: str, path: str, odd: str) -> None:
    assert bob.request(method, path.format(id=odd)).status_code in (404, 405)


def test_404_for_a_pod_that_is_not_the_jobs(bob: Client, parked: str) -> None:
    other = create(bob, PARKED)
    for name in (f"{other}-1-0", f"{parked}-9-9", "%00", "x"):
        for route in ("logs", "webterminal"):
            answer = bob.get(f"/api/jobs/{parked}/pods/{name}/{route}")
            assert code_of(answer) == (404, "POD_NOT_FOUND"), name


def test_404_for_pool_queue_and_path(bob: Client) -> None:
    create_at = "/api/jobs/create"
    assert code_of(bob.post(create_at, json={**JOB, "resourcePoolId": "none"})) == (404, "POOL_NOT_FOUND")
    assert code_of(bob.post(create_at, json={**JOB, "queue": "none"})) == (404, "QUEUE_NOT_FOUND")
    assert code_of(bob.post(create_at, json={**JOB, "projectId": "other"})) == (404, "PROJECT_NOT_FOUND")
    assert code_of(bob.get("/api/resource-pools/none/queues")) == (404, "POOL_NOT_FOUND")
    assert code_of(bob.get("/api/none")) == (404, "NOT_FOUND")


def test_403_for_a_missing_right(people: People, parked: str) -> None:
    charlie = people.client("charlie")
    assert code_of(charlie.post("/api/jobs/create", json=JOB)) == (403, "PERMISSION_DENIED")
    assert code_of(charlie.post(f"/api/jobs/{parked}/stop")) == (403, "PERMISSION_DENIED")
    assert code_of(charlie.delete(f"/api/jobs/{parked}")) == (403, "PERMISSION_DENIED")
    assert charlie.get(f"/api/jobs/{parked}").status_code == 200
    alices = create(people.client("alice"), PARKED)
    assert code_of(people.client("bob").post(f"/api/jobs/{alices}/stop")) == (403, "PERMISSION_DENIED")
    assert people.client("alice").delete(f"/api/jobs/{alices}").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/jobs"), ("PUT", "/api/jobs/create"), ("PATCH", "/api/jobs/{id}"), ("GET", "/api/jobs/{id}/stop")],
)
def test_405_lists_what_is_possible(bob: Client, parked: str, method: str, path: str) -> None:
    answer = bob.request(method, path.format(id=parked))
    assert code_of(answer) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"]


def test_413_also_for_a_body_of_unknown_length(bob: Client) -> None:
    headers = {"Content-Type": "application/json"}
    large = json.dumps({**JOB, "description": "x" * (1 << 21)}).encode()
    assert code_of(bob.post("/api/jobs/create", data=large, headers=headers)) == (413, "BODY_TOO_LARGE")
    parts = (large[at : at + 65536] for at in range(0, len(large), 65536))
    try:
        answer = bob.post("/api/jobs/create", data=parts, headers=headers)
    except requests.ConnectionError:
        return  # refused so early that the client was still sending
    assert code_of(answer) == (413, "BODY_TOO_LARGE")


def test_415_for_what_is_no_json(bob: Client) -> None:
    assert code_of(bob.post("/api/jobs/create", data={"jobName": "x"})) == (415, "UNSUPPORTED_MEDIA_TYPE")
    answer = bob.post("/api/jobs", data=b"{}", headers={"Content-Type": "text/plain"})
    assert code_of(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_429_with_retry_after(people: People) -> None:
    anyone = people.anonymous()
    body = {"username": "nobody-here", "password": "wrong"}
    for _ in range(5):
        answer = anyone.post("/api/auth/token", json=body)
    assert code_of(answer) == (429, "THROTTLED")
    assert 0 < int(answer.headers["Retry-After"]) <= 300
    assert answer.headers["Retry-After"] in answer.json()["message"]
    assert anyone.post("/api/auth/token", json={"username": "charlie", "password": PASSWORD}).status_code == 200


def test_the_whole_life_of_a_log_in(people: People) -> None:
    anyone = people.anonymous()
    pair = anyone.post("/api/auth/token", json={"username": "bob", "password": PASSWORD}).json()["data"]
    assert set(pair) == {"access", "refresh", "expiresIn"}
    renewed = anyone.post("/api/auth/token/refresh", json={"refresh": pair["refresh"]}).json()["data"]
    header = {"Authorization": f"Bearer {renewed['access']}"}
    assert anyone.get("/api/auth/me", headers=header).json()["data"]["username"] == "bob"
    made = anyone.post("/api/auth/tokens", json={"name": "ci"}, headers=header).json()["data"]
    personal = {"Authorization": f"Bearer {made['token']}"}
    assert anyone.get("/api/auth/me", headers=personal).status_code == 200
    assert anyone.delete(f"/api/auth/tokens/{made['tokenId']}", headers=header).status_code == 200
    assert code_of(anyone.get("/api/auth/me", headers=personal)) == (401, "NOT_AUTHENTICATED")
    assert anyone.post("/api/auth/logout", headers=header).status_code == 200
    assert code_of(anyone.get("/api/auth/me", headers=header)) == (401, "NOT_AUTHENTICATED")


def test_without_redis_create_list_detail_stop_and_delete_answer_in_normal_time(own_stack: Stack) -> None:
    """R1: the broker is no dependency of an answer. Its server is stopped, not ended, so that a call would hang."""
    own_stack.start()
    bob = gather(own_stack).client("bob")
    create(bob, PARKED)
    pid = own_stack.kill("redis", signal.SIGSTOP)
    try:
        create(bob, PARKED)  # the one that finds out
        started = time.monotonic()
        job_id = create(bob, PARKED)
        assert bob.post("/api/jobs").status_code == 200
        assert detail(bob, job_id)["jobId"] == job_id
        assert bob.post(f"/api/jobs/{job_id}/stop").status_code == 200
        assert bob.delete(f"/api/jobs/{job_id}").status_code == 200
        assert time.monotonic() - started < 5
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: own_stack.readiness().get("redis") == "ready", 30, "Redis coming back")
