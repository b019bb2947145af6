"""Rights that are lost while something is open: every kind of stream is closed in time, and says why."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

import pytest
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.stack import losers
from tests.stack.losers import Loser
from tests.stack.stack import Client, Stack, wait_until

CONTRACT_SECONDS = 15.0  # the default of AUTHORITY_CHECK_SECONDS
ON_TOP = 5.0  # of a busy machine
STREAMS = (
    "terminal", "watched terminal", "log WebSocket", "log events", "log text", "job log WebSocket", "job log events",
    "live channel",
)  # fmt: skip
GONE = {  # where the job itself is gone, which its streams may learn by its pod's end too
    "terminal": {(4404, "pod_gone"), (4410, "pod_ended")},
    "watched terminal": {(4404, "pod_gone"), (4410, "pod_ended"), (4403, "not_allowed")},
    "log WebSocket": {(4403, "PERMISSION_DENIED"), (1000, "Stopped")},
    "log events": {(0, "PERMISSION_DENIED"), (0, "Stopped")},
    "log text": {(0, "cut"), (0, "whole")},
    "job log WebSocket": {(4403, "PERMISSION_DENIED"), (1000, "Stopped")},
    "job log events": {(0, "PERMISSION_DENIED"), (0, "Stopped")},
    "live channel": {(4404, "JOB_NOT_FOUND")},
}
LOST = {
    "terminal": (4403, "not_allowed"),
    "watched terminal": (4403, "not_allowed"),
    "log WebSocket": (4403, "PERMISSION_DENIED"),
    "log events": (0, "PERMISSION_DENIED"),
    "log text": (0, "cut"),
    "job log WebSocket": (4403, "PERMISSION_DENIED"),
    "job log events": (0, "PERMISSION_DENIED"),
}
LIVE = {"role": (4404, "JOB_NOT_FOUND")}  # the channel itself stays theirs, the job does not
LOGGED_OUT = (4401, "NOT_AUTHENTICATED")


class Stream(Protocol):
    async def end(self) -> tuple[int, str]:
        """The close code (0: not a WebSocket's), and the reason that was told."""


class Socket:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def end(self) -> tuple[int, str]:
        told: dict[str, Any] = {}
        while True:
            try:
                frame = await self.connection.recv()
            except ConnectionClosed as closed:
                assert closed.rcvd is not None
                return closed.rcvd.code, str(told.get("reason") or told.get("code") or told.get("status"))
            if isinstance(frame, str):
                told = json.loads(frame)


class Body:
    """An answer over HTTP that goes on."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.reader = reader

    async def end(self) -> tuple[int, str]:
        try:
            rest = (await self.reader.read()).decode()
        except ConnectionResetError:
            return 0, "cut"
        if "event: " in rest:
            last = rest.rpartition("event: ")[2].split("data: ")[1].splitlines()[0]
            return 0, json.loads(last)["code"] if last.startswith("{") else last
        return 0, "whole" if rest.endswith("0\r\n\r\n") else "cut"


@asynccontextmanager
async def socket(url: str, token: str = "") -> AsyncIterator[Socket]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with websockets.connect(url, additional_headers=headers, close_timeout=1) as connection:
        await connection.recv()
        yield Socket(connection)


@asynccontextmanager
async def body(stack: Stack, path: str, token: str, accept: str) -> AsyncIterator[Body]:
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.port)
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{stack.port}\r\nAuthorization: Bearer {token}\r\n"
    writer.write(f"{head}Accept: {accept}\r\nConnection: close\r\n\r\n".encode())
    await reader.readuntil(b"printed")
    yield Body(reader)
    writer.close()


def ticket(client: Client, loser: Loser, query: str = "") -> str:
    answer = client.get(f"/api/jobs/{loser.job}/pods/{loser.pod}/webterminal{query}")
    assert answer.status_code == 200, answer.text
    url: str = answer.json()["data"]["webTerminalUrl"]
    return url


def watched(operator: Client, loser: Loser) -> str:
    """The query of a session of the operator's that the loser may watch."""
    sessions = f"/api/jobs/{loser.job}/terminal-sessions"
    (session,) = operator.get(sessions).json()["data"]["sessions"]
    assert operator.patch(f"{sessions}/{session['sessionId']}", json={"watchable": True}).status_code == 200
    return f"?sessionId={session['sessionId']}&watch=true"


async def open_all(stack: Stack, loser: Loser, until: AsyncExitStack) -> dict[str, Stream]:
    enter, token, operator = until.enter_async_context, loser.token, stack.client()
    logs = f"/api/jobs/{loser.job}/pods/{loser.pod}/logs?follow=true"
    job_logs = f"/api/jobs/{loser.job}/logs?follow=true"
    await enter(socket(ticket(operator, loser)))
    watch = watched(operator, loser)
    return {
        "watched terminal": await enter(socket(ticket(loser.client, loser, watch))),
        "terminal": await enter(socket(ticket(loser.client, loser))),
        "log WebSocket": await enter(socket(stack.websocket_url + logs, token)),
        "log events": await enter(body(stack, logs, token, "text/event-stream")),
        "log text": await enter(body(stack, logs, token, "text/plain")),
        "job log WebSocket": await enter(socket(stack.websocket_url + job_logs, token)),
        "job log events": await enter(body(stack, job_logs, token, "text/event-stream")),
        "live channel": await enter(socket(f"{stack.websocket_url}/ws/live?topics=job:{loser.job}", token)),
    }


@pytest.fixture
def cast(stack: Stack) -> Iterator[list[Loser]]:
    """Each with a running job of their own."""
    cast = losers.gather(stack)
    for loser in cast:
        body = {
            "jobName": loser.how,
            "image": "none",
            "command": "echo printed; exec sleep 600",
            "envs": [{"name": "HOME", "value": "/nowhere"}],
            "terminationGracePeriodSeconds": 1,
        }
        loser.job = loser.client.post("/api/jobs/create", json=body).json()["data"]["jobId"]
    operator = stack.client()
    for loser in cast:
        wait_until(lambda: status(operator, loser.job) == "Running", 30, f"the start of {loser.job}")  # noqa: B023
    yield cast
    for loser in cast:
        operator.delete(f"/api/jobs/{loser.job}")


def status(client: Client, job_id: str) -> str:
    return str(client.get(f"/api/jobs/{job_id}").json()["data"]["status"])


async def test_every_stream_of_who_lost_the_right_is_closed_and_says_why(stack: Stack, cast: list[Loser]) -> None:
    async with AsyncExitStack() as until:
        opened = {loser.how: await open_all(stack, loser, until) for loser in cast}
        ends = {
            (how, kind): asyncio.create_task(stream.end())
            for how, streams in opened.items()
            for kind, stream in streams.items()
        }
        await asyncio.to_thread(losers.lose, stack, cast)
        _, late = await asyncio.wait(ends.values(), timeout=CONTRACT_SECONDS + ON_TOP)
        assert not late, [key for key, task in ends.items() if task in late]
        found = {key: task.result() for key, task in ends.items()}
    wrong = {key: end for key, end in found.items() if end not in expected(*key)}
    assert not wrong
    assert {kind for _, kind in found} == set(STREAMS)


def expected(how: str, kind: str) -> set[tuple[int, str]]:
    if how == "deleted":
        return GONE[kind]
    return {LIVE.get(how, LOGGED_OUT) if kind == "live channel" else LOST[kind]}
