"""Logs of real jobs over real HTTP and WebSockets, as a client that has read docs/streams.md would follow them."""

import http.client
import json
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import websockets
from websockets.exceptions import ConnectionClosed

from tests.stack.actions import Api
from tests.stack.stack import Stack, wait_until

SECONDS = 60.0
COUNT = (
    "import sys, time\nfor n in range(int(sys.argv[1])): print('line', n, flush=True); time.sleep(float(sys.argv[2]))"
)


def counting(number: int, pause: float) -> list[str]:
    return [sys.executable, "-I", "-c", COUNT, str(number), str(pause)]


def counted(number: int) -> str:
    return "".join(f"line {one}\n" for one in range(number))


def path(job_id: str, query: str = "", pod: str = "1-0") -> str:
    return f"/api/jobs/{job_id}/pods/{job_id}-{pod}/logs{query}"


def headers(api: Api) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.client.token}", "Accept-Language": "en"}


async def messages(socket_: Any) -> tuple[list[dict[str, Any]], int]:
    """Everything until the close, and its code."""
    found = []
    try:
        while True:
            found.append(json.loads(await socket_.recv()))
    except ConnectionClosed as closed:
        assert closed.rcvd is not None
        return found, closed.rcvd.code


def test_a_follower_may_come_right_after_the_create(api: Api) -> None:
    job_id = api.create(counting(50, 0.005))
    response = api.client.clone().stream(path(job_id, "?follow=true"))
    assert response.headers["X-Accel-Buffering"] == "no"
    assert response.read().decode() == counted(50)


def test_events_end_with_the_jobs_final_status(api: Api) -> None:
    job_id = api.create(["sh", "-c", "echo one; echo two; exit 3"])
    response = api.client.clone().stream(path(job_id, "?follow=true"), Accept="text/event-stream")
    lines = response.read().decode().splitlines()
    assert [line for line in lines if line.startswith("data: ")] == ["data: one", "data: two", "data: Failed"]
    assert lines[-3:-1] == ["event: end", "data: Failed"]


def test_a_stopped_job_ends_its_followers(api: Api) -> None:
    job_id = api.create(["sh", "-c", "echo here; sleep 600"], terminationGracePeriodSeconds=1)
    response = api.client.clone().stream(path(job_id, "?follow=true"))
    assert response.readline() == b"here\n"
    api.stop(job_id)
    assert response.read() == b""


async def test_the_websocket_goes_on_where_the_first_answer_ended(api: Api) -> None:
    job_id = api.create(counting(200, 0.005))
    api.until(lambda: "line 9\n" in api.logs(f"{job_id}-1-0"), "ten lines")
    first = api.get(path(job_id, "?follow=true")).data()
    async with websockets.connect(first["streamUrl"], additional_headers=headers(api)) as connection:
        found, code = await messages(connection)
    assert code == 1000
    assert found[-1] == {"operation": "end", "status": "Succeeded"}
    assert first["logs"] + "".join(one["data"] for one in found[:-1]) == counted(200)
    assert found[-2]["cursor"] == len(counted(200))


async def test_a_token_may_come_as_a_subprotocol(stack: Stack, api: Api) -> None:
    job_id = api.create(["echo", "hello"])
    protocols: Any = ["bearer", api.client.token]
    async with websockets.connect(stack.websocket_url + path(job_id), subprotocols=protocols) as connection:
        assert connection.subprotocol == "bearer"
        found, code = await messages(connection)
    assert (found[0]["data"], code) == ("hello\n", 1000)


@pytest.mark.parametrize(
    ("query", "pod", "expected"),
    [("?tailLines=x", "1-0", (4400, "VALIDATION_ERROR")), ("", "9-9", (4404, "POD_NOT_FOUND"))],
)
async def test_a_refusal_says_why(stack: Stack, api: Api, query: str, pod: str, expected: tuple[int, str]) -> None:
    job_id = api.create(["true"])
    url = stack.websocket_url + path(job_id, query, pod)
    async with websockets.connect(url, additional_headers=headers(api)) as connection:
        found, code = await messages(connection)
    assert (code, found[0]["code"]) == expected


async def test_without_credentials_nothing_is_shown(stack: Stack, api: Api) -> None:
    job_id = api.create(["true"])
    async with websockets.connect(stack.websocket_url + path(job_id)) as connection:
        found, code = await messages(connection)
    assert (code, found[0]["code"]) == (4401, "NOT_AUTHENTICATED")


def test_a_follower_that_comes_back_after_a_killed_web_process_misses_nothing(stack: Stack, api: Api) -> None:
    job_id = api.create(counting(600, 0.01))
    response = api.client.clone().stream(path(job_id, "?follow=true"))
    got = b"".join(response.readline() for _ in range(100))
    old = stack.kill("web")
    got += what_is_left(response)
    stack.wait_for_restart("web", old)
    again = Api.of(stack)
    response = again.client.stream(path(job_id, f"?follow=true&cursor={len(got)}"))
    assert (got + response.read()).decode() == counted(600)


def what_is_left(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read()
    except http.client.IncompleteRead as exc:
        return exc.partial
    except OSError:
        return b""


def test_a_reader_that_does_not_read_costs_no_memory(stack: Stack, api: Api) -> None:
    job_id = api.create(["sh", "-c", "yes 'epoch 12 loss 0.123456' | head -c 100000000"])
    api.wait(job_id, "Succeeded", 120)
    api.client.clone().stream(path(job_id, "?follow=true&tailLines=1000")).read()
    before = resident(stack.pid("web"))
    silent = []
    for _ in range(5):
        connection = socket.create_connection(api.client.address)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers(api).items())
        connection.sendall(f"GET {path(job_id, '?follow=true')} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode())
        silent.append(connection)
    for connection in silent:
        assert connection.recv(1)
    settle = time.monotonic() + 1.0
    wait_until(lambda: time.monotonic() > settle, SECONDS, "a second")
    assert resident(stack.pid("web")) - before < 32 << 20
    for connection in silent:
        connection.close()


def resident(pid: int) -> int:
    """Bytes."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) << 10
