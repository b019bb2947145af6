"""Whatever a client sends to a log's WebSocket, nothing crashes and little is held: 100,000 random frames. Clients that
come and go leave neither tasks nor watched files."""

import asyncio
import json
import logging
import os
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator

from accounts.models import User
from jobs.api import log_target
from jobs.logs import follow, notify
from jobs.models import Job, Pod
from tests.jobs.consumers.test_logs import APPLICATION, HOST, token_of
from tests.jobs.pod_logs import make_pod, print_lines
from tests.processes import resident_bytes

pytestmark = pytest.mark.django_db(transaction=True)
FRAMES = 100_000
SEED = random.SystemRandom().randrange(1 << 32)
GROWTH_BYTES = 24 << 20
SECONDS = 20.0
CURSORS: list[Any] = [0, 1, -1, 4, 1 << 63, 1 << 200, 1.5, True, None, "4", "AQEB", "AQ", "x" * 20_000, [], {}]
TEXTS = ["", "{", "null", "[]", "1", '"ack"', "{}", '{"operation": 1}', "[" * 5000, '{"a":' * 5000, "\x00", "\ud83d"]


@pytest.fixture(autouse=True)
def quick(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LOG_DIR = tmp_path
    monkeypatch.setattr(follow, "QUIET_SECONDS", 0.02)
    monkeypatch.setattr(notify, "WATCHED_POLL_SECONDS", 0.02)
    monkeypatch.setattr(log_target, "SETTLE_SECONDS", 0.05)


@pytest.fixture
def pod(job: Job) -> Pod:
    made = make_pod(job)
    print_lines(job, b"one\ntwo\n")
    return made


@pytest.fixture
def token(bob: User) -> str:
    return token_of(bob)


def paths(job: Job) -> list[str]:
    return [f"/api/jobs/{job.public_id}/pods/{job.public_id}-1-0/logs", f"/api/jobs/{job.public_id}/logs"]


def frame(chance: random.Random) -> dict[str, Any]:
    kind = chance.random()
    if kind < 0.2:
        return {"type": "websocket.receive", "bytes": chance.randbytes(chance.choice([0, 1, 40, 70_000]))}
    if kind < 0.4:
        return {"type": "websocket.receive", "text": chance.choice(TEXTS)}
    if kind < 0.5:
        return {"type": "websocket.receive", "text": chance.randbytes(chance.randrange(200)).decode("latin-1")}
    made = {"operation": chance.choice(["ack", "log", "end", "", None, 3]), "cursor": chance.choice(CURSORS)}
    if kind < 0.55:
        made.pop(chance.choice(list(made)))
    return {"type": "websocket.receive", "text": json.dumps(made)}


def acknowledgement(chance: random.Random, path: str) -> dict[str, Any]:
    """One that the protocol allows, of any place: the connection stays."""
    kinds = (int, str)["pods" not in path]
    cursor = chance.choice([one for one in CURSORS if type(one) is kinds and (kinds is str or 0 <= one < 1 << 62)])
    cursor = cursor[:1000] if isinstance(cursor, str) else chance.choice([cursor, chance.randrange(1 << 60)])
    return {"type": "websocket.receive", "text": json.dumps({"operation": "ack", "cursor": cursor})}


async def opened(path: str, token: str) -> WebsocketCommunicator:
    headers = [*HOST, (b"authorization", f"Bearer {token}".encode())]
    client = WebsocketCommunicator(APPLICATION, path, headers=headers)
    assert (await client.connect(timeout=SECONDS))[0]
    return client


async def sends(client: WebsocketCommunicator, frames: Iterable[dict[str, Any]]) -> int:
    """How many were taken until the server closed, which it does at the first that is none of the protocol's."""
    taken = 0
    for made in frames:
        if client.future.done():
            break
        await client.send_input(made)
        await asyncio.sleep(0)
        taken += 1
    return taken


async def test_random_frames_crash_nothing(job: Job, pod: Pod, token: str, caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(SEED)
    nonsense = [frame(chance) for _ in range(3000)]
    proper = {path: [acknowledgement(chance, path) for _ in range(500)] for path in paths(job)}
    before = taken = 0
    while taken < FRAMES:
        path = chance.choice(paths(job))
        client = await opened(path, token)
        length = chance.choice([0, 10, 1000])
        frames = [chance.choice(proper[path]) for _ in range(length)] + chance.sample(nonsense, 20)
        taken += await sends(client, frames)
        await client.disconnect(timeout=SECONDS)
        if not before and taken > FRAMES // 10:
            before = resident_bytes(os.getpid())
    assert resident_bytes(os.getpid()) - before < GROWTH_BYTES, SEED
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR], SEED


async def test_what_is_no_acknowledgement_ends_the_stream_with_a_code(job: Job, pod: Pod, token: str) -> None:
    for path in paths(job):
        client = await opened(path, token)
        await client.send_input({"type": "websocket.receive", "text": "{"})
        while (output := await client.receive_output(SECONDS))["type"] != "websocket.close":
            continue
        assert output["code"] == 4400
        await client.disconnect(timeout=SECONDS)


async def test_many_cycles_leave_no_task_and_no_file(job: Job, pod: Pod, token: str) -> None:
    async def cycle(number: int) -> None:
        for count in range(number):
            client = await opened(paths(job)[count % 2], token)
            if count % 3:
                await client.receive_output(SECONDS)
            await client.disconnect(timeout=SECONDS)

    await cycle(6)
    tasks, files = len(asyncio.all_tasks()), open_files()
    await cycle(100)
    async with asyncio.timeout(SECONDS):
        while len(asyncio.all_tasks()) > tasks or open_files() > files + 2:
            await asyncio.sleep(0.02)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208
