"""A client of the web terminal, through the real log-in and routing."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from accounts.models import User
from accounts.ws_auth import WebSocketAuthMiddleware
from jobs.models import Pod, TerminalSession
from jobs.routing import websocket_urlpatterns
from jobs.services import Origin
from jobs.terminal import tickets
from jobs.terminal.threads import in_thread
from tests.jobs.terminal.pods import token_key

APPLICATION = WebSocketAuthMiddleware(URLRouter(websocket_urlpatterns))
HOST = [(b"host", b"testserver:8080"), (b"accept-language", b"en")]


async def database(call: Callable[[], Any]) -> Any:
    return await in_thread(call)


class Visitor:
    """A browser's side: keeps what it was shown and told, and acknowledges only when asked to."""

    def __init__(self, url: str, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        self.socket = WebsocketCommunicator(APPLICATION, url, headers=HOST + (headers or []))
        self.shown = b""
        self.told: list[dict[str, Any]] = []
        self.closed: int | None = None

    async def open(self) -> "Visitor":
        accepted, _ = await self.socket.connect(timeout=10)
        assert accepted
        return self

    async def next(self, seconds: float = 10) -> None:
        message = await self.socket.receive_output(seconds)
        if message["type"] == "websocket.close":
            self.closed = message["code"]
        elif "bytes" in message:
            assert len(message["bytes"]) <= 65_536
            self.shown += message["bytes"]
        else:
            self.told.append(json.loads(message["text"]))

    async def until(self, text: str, seconds: float = 10) -> str:
        async with asyncio.timeout(seconds):
            while text.encode() not in self.shown:
                assert self.closed is None, (self.closed, self.told, self.shown)
                await self.next()
        return self.shown.decode()

    async def until_told(self, operation: str, seconds: float = 10) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            while not (found := [message for message in self.told if message["operation"] == operation]):
                assert self.closed is None, (self.closed, self.told, self.shown)
                await self.next()
        return found[0]

    async def until_closed(self, seconds: float = 15) -> int:
        async with asyncio.timeout(seconds):
            while self.closed is None:
                await self.next(seconds)
        return self.closed

    async def type(self, text: str) -> None:
        await self.socket.send_to(bytes_data=text.encode())

    async def say(self, **message: Any) -> None:
        await self.socket.send_json_to(message)

    async def leave(self) -> None:
        await self.socket.disconnect(timeout=10)

    @property
    def end(self) -> dict[str, Any]:
        assert self.told[-1]["operation"] == "exit", self.told
        return self.told[-1]


def ticket_for(
    user: User, pod: Pod, key: str | None = None, *, session: TerminalSession | None = None, watch: bool = False
) -> str:
    return tickets.issue(
        user=user,
        job=pod.job,
        pod=pod,
        session_key=token_key(user) if key is None else key,
        origin=Origin(),
        session=session,
        watch=watch,
    )
