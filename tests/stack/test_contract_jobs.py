"""Every row of the contract's calls, over real HTTP and WebSocket, as a client written against it would call."""

import asyncio
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import websockets

from tests.stack.people import People, code_of, gather
from tests.stack.stack import Client, Stack, wait_until

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
JOB = {"jobName": "训练任务名称", "image": "registry/image:tag", "command": ["sleep", "600"]}
PARKED = {**JOB, "queue": "parked", "resourcePoolId": "local"}


@pytest.fixture(scope="module")
def people(stack: Stack) -> People:
    return gather(stack)


@pytest.fixture
def bob(people: People) -> Client:
    return people.client("bob")


@pytest.fixture(scope="module")
def running(people: People) -> Iterator[str]:
    """The id of a job that prints ten lines and goes on running."""
    bob = people.client("bob")
    script = "for n in 1 2 3 4 5 6 7 8 9 10; do echo line $n; done; exec sleep 600"
    job_id = create(bob, {**JOB, "command": script, "terminationGracePeriodSeconds": 1})
    wait_until(lambda: detail(bob, job_id)["status"] == "Running", 60, "the job's start")
    wait_until(lambda: "line 10" in logs(bob, job_id).json()["data"]["logs"], 30, "the job's output")
    yield job_id
    bob.delete(f"/api/jobs/{job_id}")


def create(client: Client, body: dict[str, Any], **headers: str) -> str:
    answer = client.post("/api/jobs/create", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["jobId"])


def detail(client: Client, job_id: str) -> dict[str, Any]:
    data: dict[str, Any] = client.get(f"/api/jobs/{job_id}").json()["data"]
    return data


def logs(client: Client, job_id: str, query: str = "", **headers: str) -> Any:
    return client.get(f"/api/jobs/{job_id}/pods/{job_id}-1-0/logs{query}", headers={"Accept": "*/*", **headers})


def test_create_stop_and_delete_answer_the_contracts_words(people: People) -> None:
    bob = people.client("bob", language="zh-CN")
    created = bob.post("/api/jobs/create", json=PARKED)
    job_id = created.json()["data"]["jobId"]
    assert created.status_code == 201
    assert created.json() == {
        "success": True, "data": {"jobId": job_id, "jobName": "训练任务名称"}, "message": "训练任务创建成功",
    }  # fmt: skip
    stopped = bob.post(f"/api/jobs/{job_id}/stop")
    assert (stopped.status_code, stopped.json()) == (200, {"success": True, "message": "任务已停止"})
    deleted = bob.delete(f"/api/jobs/{job_id}")
    assert (deleted.status_code, deleted.json()) == (200, {"success": True, "message": "任务已删除"})
    assert code_of(bob.get(f"/api/jobs/{job_id}")) == (404, "JOB_NOT_FOUND")


def test_without_a_language_the_words_are_chinese(people: People) -> None:
    bob = people.client("bob")
    del bob.headers["Accept-Language"]
    assert bob.post("/api/jobs/create", json=PARKED).json()["message"] == "训练任务创建成功"


def test_list_answers_as_the_page_shows(bob: Client, running: str) -> None:
    query = {"keyword": running, "status": "Running", "pageNumber": 1, "pageSize": 10}
    answer = bob.post("/api/jobs", json=query)
    assert answer.status_code == 200
    assert list(answer.json()) == ["success", "data"]
    (item,) = answer.json()["data"]["jobs"]
    assert answer.json()["data"]["totalCount"] == 1
    assert list(item)[:4] == ["jobId", "jobName", "status", "createdAt"]
    assert item["status"] == "Running"
    assert TIME.fullmatch(item["createdAt"])
    assert (item["readyPods"], item["totalPods"], item["owner"]) == (1, 1, "bob")


@pytest.mark.parametrize("sent", [{}, {"data": b"", "headers": {"Content-Type": "application/json"}}, {"json": {}}])
def test_an_empty_query_is_fine(bob: Client, running: str, sent: dict[str, Any]) -> None:
    assert bob.post("/api/jobs", **sent).json()["data"]["totalCount"] >= 1


def test_pages_and_order(bob: Client) -> None:
    name = "paged"
    ids = [create(bob, {**PARKED, "jobName": f"{name} {number}"}) for number in range(5)]
    query = {"keyword": name, "pageSize": 2, "orderBy": "jobName", "order": "asc"}
    pages = [bob.post("/api/jobs", json={**query, "pageNumber": number}).json()["data"] for number in (1, 2, 3)]
    assert [job["jobId"] for page in pages for job in page["jobs"]] == ids
    assert {page["totalCount"] for page in pages} == {5}


def test_detail_answers_as_the_page_shows(bob: Client, running: str) -> None:
    body = bob.get(f"/api/jobs/{running}").json()
    assert list(body) == ["success", "data"]
    data = body["data"]
    assert list(data)[:5] == ["jobId", "jobName", "status", "config", "createdAt"]
    assert data["config"]["command"][:2] == ["/bin/sh", "-c"]
    assert data["pods"][0]["podName"] == f"{running}-1-0"
    assert bob.get(f"/api/jobs/{running}/pods").json()["data"]["pods"][0]["podName"] == f"{running}-1-0"


def test_events_answer_as_the_page_shows(bob: Client, running: str) -> None:
    body = bob.get(f"/api/jobs/{running}/events").json()
    assert list(body) == ["success", "data"]
    events = body["data"]["events"]
    assert all(list(event)[:4] == ["type", "reason", "message", "timestamp"] for event in events)
    assert events[0]["reason"] == "Submitted"
    assert "Started" in [event["reason"] for event in events]
    assert all(TIME.fullmatch(event["timestamp"]) for event in events)
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)


def test_logs_answer_as_the_page_shows(bob: Client, running: str) -> None:
    body = logs(bob, running).json()
    assert body["success"] is True
    assert "message" not in body
    assert body["data"]["logs"].splitlines() == [f"line {number}" for number in range(1, 11)]
    assert logs(bob, running, "?tailLines=2").json()["data"]["logs"].split("\n")[:2] == ["line 9", "line 10"]
    assert logs(bob, running, "?tailLines=0").json()["data"]["logs"] == ""
    assert "line 7" in logs(bob, running, "?keyword=line%207").json()["data"]["logs"]


def test_follow_streams_text(bob: Client, running: str) -> None:
    url = f"{bob.url}/api/jobs/{running}/pods/{running}-1-0/logs?follow=true"
    with bob.get(url.removeprefix(bob.url), headers={"Accept": "*/*"}, stream=True) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert next(answer.iter_lines()) == b"line 1"
    with bob.get(url.removeprefix(bob.url), headers={"Accept": "text/event-stream"}, stream=True) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert any(b"line 1" in line for line in answer.iter_lines())


def test_follow_for_a_client_of_json_alone_answers_at_once(bob: Client, running: str) -> None:
    data = logs(bob, running, "?follow=true", Accept="application/json").json()["data"]
    assert data["logs"].startswith("line 1\n")
    assert data["cursor"] > 0
    assert data["streamUrl"].startswith("ws://")


def test_the_stream_goes_on_over_a_websocket(bob: Client, people: People, running: str) -> None:
    data = logs(bob, running, "?follow=true", Accept="application/json").json()["data"]

    async def first() -> str:
        headers = {"Authorization": f"Bearer {people.tokens['bob']}"}
        url = data["streamUrl"].partition("?")[0]
        async with websockets.connect(url, additional_headers=headers) as socket:
            async with asyncio.timeout(20):
                while "line 1" not in (text := str(await socket.recv())):
                    pass
                return text

    assert "line 1" in asyncio.run(first())


def test_webterminal_answers_as_the_page_shows(bob: Client, running: str) -> None:
    body = bob.get(f"/api/jobs/{running}/pods/{running}-1-0/webterminal").json()
    assert list(body) == ["success", "data"]
    assert list(body["data"]) == ["webTerminalUrl"]
    assert re.fullmatch(r"ws://127\.0\.0\.1:\d+/webterminal/[\w-]+", body["data"]["webTerminalUrl"])


def test_stopping_again_is_fine_and_ends_stopped(bob: Client) -> None:
    job_id = create(bob, {**JOB, "command": ["sleep", "600"], "terminationGracePeriodSeconds": 1})
    assert bob.post(f"/api/jobs/{job_id}/stop").status_code == 200
    assert bob.post(f"/api/jobs/{job_id}/stop/").status_code == 200
    wait_until(lambda: detail(bob, job_id)["status"] == "Stopped", 60, "the job's stop")
    assert bob.post(f"/api/jobs/{job_id}/stop").status_code == 200


def test_a_job_that_ended_by_itself_cannot_be_stopped_but_deleted(bob: Client) -> None:
    job_id = create(bob, {**JOB, "command": ["true"]})
    wait_until(lambda: detail(bob, job_id)["status"] == "Succeeded", 60, "the job's end")
    assert code_of(bob.post(f"/api/jobs/{job_id}/stop")) == (409, "JOB_NOT_ACTIVE")
    assert code_of(bob.get(f"/api/jobs/{job_id}/pods/{job_id}-1-0/webterminal")) == (409, "POD_NOT_RUNNING")
    assert bob.delete(f"/api/jobs/{job_id}").status_code == 200
    for method, route in [("GET", ""), ("GET", "/events"), ("GET", f"/pods/{job_id}-1-0/logs"), ("POST", "/stop")]:
        assert code_of(bob.request(method, f"/api/jobs/{job_id}{route}")) == (404, "JOB_NOT_FOUND")


def test_fifty_equal_creates_at_once_are_one_job(people: People) -> None:
    def once(_number: int) -> str:
        return create(people.client("bob"), PARKED, **{"Idempotency-Key": "fifty-at-once"})

    with ThreadPoolExecutor(16) as threads:
        assert len(set(threads.map(once, range(50)))) == 1


def test_the_same_key_for_another_body_is_refused(bob: Client) -> None:
    create(bob, PARKED, **{"Idempotency-Key": "mismatch"})
    answer = bob.post("/api/jobs/create", json={**PARKED, "jobName": "x"}, headers={"Idempotency-Key": "mismatch"})
    assert code_of(answer) == (409, "IDEMPOTENCY_MISMATCH")


def test_a_dry_run_makes_no_job(bob: Client) -> None:
    before = bob.post("/api/jobs").json()["data"]["totalCount"]
    answer = bob.post("/api/jobs/create", json={**PARKED, "dryRun": True})
    assert answer.status_code == 200
    assert answer.json()["data"]["config"]["replicas"] == 1
    assert bob.post("/api/jobs").json()["data"]["totalCount"] == before


def test_a_secret_is_never_shown_again(bob: Client, stack: Stack) -> None:
    canary = "canary-of-the-contract"
    envs = [{"name": "TOKEN", "value": canary, "secret": True}]
    job_id = create(bob, {**JOB, "command": 'test "$TOKEN" = canary-of-the-"contract" && echo same', "envs": envs})
    wait_until(lambda: detail(bob, job_id)["status"] == "Succeeded", 60, "the job's end")
    answers = [bob.get(f"/api/jobs/{job_id}{route}").text for route in ("", "/events", "/pods")]
    assert canary not in "".join(answers)
    assert canary not in stack.output
    assert json.loads(answers[0])["data"]["config"]["envs"] == [{"name": "TOKEN", "secret": True}]


def test_companions(bob: Client) -> None:
    pools = bob.get("/api/resource-pools").json()["data"]["resourcePools"]
    assert "local" in [pool["resourcePoolId"] for pool in pools]
    queues = bob.get("/api/resource-pools/local/queues").json()["data"]["queues"]
    assert {"default", "parked"} <= {queue["queue"] for queue in queues}
    assert bob.get("/api/schema").json()["openapi"].startswith("3.")
    assert "swagger" in bob.get("/api/docs").text
    for path in ("/healthz", "/readyz", "/metrics"):
        assert bob.get(path).status_code == 200
