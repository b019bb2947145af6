"""Whatever a client sends to a terminal: no crash, no memory, and the shell is there afterwards."""

import asyncio
import json
import logging
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from channels.routing import URLRouter

from accounts.models import User
from accounts.ws_auth import WebSocketAuthMiddleware
from jobs.cluster.local import pty
from jobs.consumers import terminal as consumers
from jobs.models import Job, Pod
from jobs.routing import websocket_urlpatterns
from jobs.services import Origin
from jobs.terminal import broker, protocol, tickets
from jobs.terminal.threads import in_thread
from tests.jobs.terminal.pods import LonePod, running_pod, token_key
from tests.processes import resident_bytes

pytestmark = pytest.mark.django_db(transaction=True)
APPLICATION = WebSocketAuthMiddleware(URLRouter(websocket_urlpatterns))
FRAMES = int(os.environ.get("RANDOM_FRAMES", "25000"))
SEED = int(os.environ.get("RANDOM_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
# A program that takes whatever comes: what is typed at random must not be run.
SINK = ("/bin/sh", "-c", "stty raw -echo; echo ready; exec cat > /dev/null")
GROWTH_BYTES = 24 << 20
Message = dict[str, Any]

NUMBERS = [-1, 0, 1, 80, 1000, 1001, -(2**63), 2**31, 2**53, 2**53 + 1, 10**400, 1.5, float("nan"), True, None, "80"]
TEXTS = ["", "ls\n", "\x00\x03\x1b[", "训练", "\ud800", "\udfff\ud800", "x" * 65_537, "\\" * 9]
VALUES: list[Any] = [*NUMBERS, *TEXTS, [], {}, [[]], {"operation": "stdin"}]
NO_MESSAGES = ["", "[" * 5000, "1" * 5000, "null", '"', "{}" * 40_000]
OPERATIONS: list[Any] = [*protocol.FIELDS, "ready", "exit", "output", "reboot", "", 7, None, [], {}]
FIELDS = ["data", "cols", "rows", "bytes", "operation", "sessionId", "__class__", "extra"]


class Client:
    """An ASGI connection without a network: what it sends is taken as it is, what it is told is counted."""

    def __init__(self, ticket: str) -> None:
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.told: Counter[str] = Counter()
        self.closed: int | None = None
        self.shown = 0
        scope = {
            "type": "websocket",
            "path": f"/webterminal/{ticket}",
            "query_string": b"",
            "headers": [(b"host", b"testserver")],
            "subprotocols": [],
        }
        self.task = asyncio.create_task(APPLICATION(scope, self.inbox.get, self.hear))

    async def hear(self, message: Message) -> None:
        if message["type"] == "websocket.close":
            self.closed = message["code"]
        elif message.get("bytes") is not None:
            self.shown += len(message["bytes"])
        elif message.get("text") is not None:
            told = json.loads(message["text"])
            self.told[told.get("code") if told["operation"] == "error" else told["operation"]] += 1

    async def say(self, message: Message) -> None:
        self.inbox.put_nowait(message)
        while self.inbox.qsize() > 100:  # as the server stops reading a socket whose consumer is behind
            await asyncio.sleep(0)

    async def until_told(self, operation: str, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not self.told[operation]:
            assert not self.task.done(), (SEED, self.told, self.closed)
            assert time.monotonic() < deadline, (SEED, self.told, self.inbox.qsize())
            await asyncio.sleep(0.01)

    async def answers(self) -> None:
        """Everything before is dealt with, and a ping is answered."""
        while self.inbox.qsize():
            await asyncio.sleep(0)
        self.told["pong"] = 0
        await self.say({"type": "websocket.receive", "text": '{"operation": "ping"}'})
        await self.until_told("pong")

    async def open(self) -> "Client":
        await self.say({"type": "websocket.connect"})
        await self.until_told("ready")
        while not self.shown:  # the sink's word: a Ctrl-C before it would end it
            await asyncio.sleep(0.01)
        return self

    async def leave(self) -> None:
        await self.say({"type": "websocket.disconnect", "code": 1006})
        await asyncio.wait_for(self.task, 20)


@pytest.fixture
def pod(job: Job) -> Pod:
    return running_pod(job)


@pytest.fixture
async def lone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> AsyncIterator[LonePod]:
    settings.TERMINAL_DETACHED_SECONDS = 0
    pod = LonePod(str(tmp_path))
    pod.command = SINK
    monkeypatch.setattr(consumers, "BROKER", broker.Broker(pod.for_pool))
    yield pod
    pod.end()
    async with asyncio.timeout(20):
        while pty.LIVE:
            await asyncio.sleep(0.01)


async def ticket_for(user: User, pod: Pod) -> str:
    def issue() -> str:
        return tickets.issue(user=user, job=pod.job, pod=pod, session_key=token_key(user), origin=Origin())

    return await in_thread(issue)


def frame(chance: random.Random) -> Message:
    """One message as a server hands it over. Bad UTF-8 in a text frame never comes so far: the server closes then."""
    kind = chance.random()
    if kind < 0.25:
        return {"type": "websocket.receive", "bytes": chance.randbytes(chance.choice([0, 1, 40, 4096, 70_000]))}
    if kind < 0.35:
        return {"type": "websocket.receive", "text": chance.randbytes(chance.randrange(200)).decode("latin-1")}
    if kind < 0.4:
        return {"type": "websocket.receive", "text": chance.choice(NO_MESSAGES)}
    if kind < 0.42:
        return chance.choice(
            [
                {"type": "websocket.receive"},
                {"type": "websocket.receive", "text": None, "bytes": None},
                {"type": "websocket.receive", "text": "{}", "bytes": b"\xff"},
            ]
        )
    return {"type": "websocket.receive", "text": json.dumps(message(chance))}


def message(chance: random.Random) -> Message:
    operation = chance.choice(OPERATIONS)
    made = {"operation": operation}
    proper = protocol.FIELDS.get(operation, frozenset()) if isinstance(operation, str) else frozenset()
    for name in (*(proper - {"operation"}), *chance.sample(FIELDS, chance.choice([0, 0, 0, 1, 3]))):
        made[name] = chance.choice(VALUES)
    if chance.random() < 0.02:
        del made["operation"]
    return made


async def test_random_frames_crash_nothing_and_leave_nothing(
    lone: LonePod, bob: User, pod: Pod, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(protocol, "ERRORS_ALLOWED", 10 * FRAMES)
    chance = random.Random(SEED)
    frames = [frame(chance) for _ in range(2000)]
    client = await Client(await ticket_for(bob, pod)).open()
    for made in frames:  # once, so that what is kept for good is there before it is measured
        await client.say(made)
    before = resident_bytes(os.getpid())
    for _ in range(FRAMES):
        await client.say(chance.choice(frames))
    await client.answers()
    assert resident_bytes(os.getpid()) - before < GROWTH_BYTES, SEED
    assert client.closed is None, SEED
    assert client.told["BAD_MESSAGE"] > FRAMES // 10
    assert client.told["FRAME_TOO_LARGE"]
    assert client.told["BAD_ACK"]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(pty.LIVE) == 1
    await client.leave()


async def test_a_client_that_sends_nothing_but_nonsense_is_soon_let_go(lone: LonePod, bob: User, pod: Pod) -> None:
    for number in range(5):
        chance = random.Random(SEED + number)
        client = await Client(await ticket_for(bob, pod)).open()
        while client.closed is None:
            await client.say(frame(chance))
        assert client.closed in (1000, 4400)
        await client.leave()


ORDERS: list[list[str]] = [
    ["receive"],
    ["receive", "connect"],
    ["disconnect"],
    ["disconnect", "receive", "connect"],
    ["connect", "connect"],
    ["connect", "disconnect", "receive", "receive"],
    ["connect", "receive", "disconnect", "disconnect", "connect"],
]


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
async def test_messages_in_a_wrong_order_leave_nothing(order: list[str], lone: LonePod, bob: User, pod: Pod) -> None:
    client = Client(await ticket_for(bob, pod))
    for kind in [*order, "disconnect"]:
        await client.say({"type": f"websocket.{kind}", **({"bytes": b"x"} if kind == "receive" else {})})
    await asyncio.wait({client.task}, timeout=20)
    assert client.task.done()
    assert not client.task.cancelled()
    async with asyncio.timeout(20):
        while pty.LIVE or consumers.BROKER.tasks:
            await asyncio.sleep(0.01)
