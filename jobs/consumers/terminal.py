"""The WebSocket of a web terminal: translates frames and messages for the broker, and decides nothing itself.

It takes no channel layer, so that a terminal does not need Redis, and its messages need no thread: the database is the
broker's affair.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.utils import await_many_dispatch
from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

from jobs.consumers.handshake import origin_is_ours, request_of
from jobs.services import Origin
from jobs.terminal import protocol, stamps, wording
from jobs.terminal.broker import Broker
from jobs.terminal.connection import Connection, Leaving, Visit
from jobs.terminal.protocol import Ending, Ping, Refused
from jobs.terminal.viewer import Farewell, Outcome
from jobs_platform.client_address import client_address
from jobs_platform.draining import before_drain

BROKER = Broker()
GOODBYE_SECONDS = 10.0
CLEAN_UP_SECONDS = 5.0
SERVICE_RESTART = 1012
# A peer that closes with this is done with its session; any other end is a dropped connection.
DONE = 1000
LEAVING = {DONE: Leaving.FOR_GOOD, SERVICE_RESTART: Leaving.RESTARTING}
MOST_POSITION = 2**53
META_STAMP = "HTTP_" + stamps.HEADER.upper().replace("-", "_")


@before_drain
async def end_terminals() -> None:
    await BROKER.close()


class TerminalConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    connection: Connection | None = None
    serving: "asyncio.Task[None] | None" = None
    connected = False
    errors = 0

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Channels' own, without the channel layer. However it ends, its connection to the terminal ends with it."""
        self.scope, self.base_send = scope, send
        try:
            await await_many_dispatch([receive], self.dispatch)
        except StopConsumer:
            pass
        finally:
            self.connected = False
            await self.clean_up()

    async def clean_up(self) -> None:
        """Waits, because a server that is stopping waits for this in turn."""
        if self.connection is not None and self.serving is not None:
            self.connection.leave(Leaving.RESTARTING)
            await asyncio.wait({self.serving}, timeout=CLEAN_UP_SECONDS)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Without the thread hop that Channels makes before each message to close old database connections."""
        match message["type"]:
            case "websocket.connect" if not self.connected:
                await self.connect()
            case "websocket.receive":
                await self.receive(text_data=message.get("text"), bytes_data=message.get("bytes"))
            case "websocket.disconnect":
                self.disconnected(message.get("code"))
                raise StopConsumer

    async def connect(self) -> None:
        request = request_of(self.scope)
        self.language = translation.get_language_from_request(request)
        await self.accept(subprotocol=self.scope.get("auth_subprotocol"))
        self.connected = True
        if not origin_is_ours(request):
            await self.goodbye(Farewell(Outcome(Ending.WRONG_ORIGIN)))
            return
        self.connection, self.serving = BROKER.receive(self.visit(request), self)

    def visit(self, request: HttpRequest) -> Visit:
        user, token = self.scope.get("user"), self.scope["url_route"]["kwargs"]["ticket"]
        stamp = request.META.get(META_STAMP)
        passed_on = stamps.read_stamp(stamp, token) if stamp else None
        return Visit(
            token=token,
            origin=passed_on or Origin(address=client_address(request)),
            known_user=user.pk if user is not None else None,
            language=self.language,
            host=request.META.get("HTTP_HOST", ""),
            relayed=passed_on is not None,
            **numbers_of(self.scope["query_string"]),
        )

    def disconnected(self, code: int | None) -> None:
        self.connected = False
        if self.connection is not None:
            self.connection.leave(LEAVING.get(code or 0, Leaving.DROPPED))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.connection is None:
            return
        try:
            message = (
                protocol.parse_text(text_data) if text_data is not None else protocol.parse_binary(bytes_data or b"")
            )
            if isinstance(message, Ping):
                await self.tell(protocol.Pong())
            else:
                await self.connection.take(message)
        except Refused as refused:
            self.errors += 1
            await self.tell(protocol.Error(code=refused.fault, message=refused.why))
            if self.errors >= protocol.ERRORS_ALLOWED:
                self.connection.leave(Leaving.FAULTY)

    # What the terminal says to its peer.

    async def output(self, data: bytes) -> None:
        if self.connected:
            await self.send(bytes_data=data)

    async def warn(self, reason: Ending, seconds: int) -> None:
        sentence = self.sentence(wording.WARNINGS[reason], reason, seconds=seconds)
        await self.tell(protocol.LimitWarning(reason=reason, seconds=seconds, message=sentence))

    async def goodbye(self, farewell: Farewell) -> None:
        """A peer that reads nothing is not waited for: the server's pings find out about it."""
        outcome = farewell.outcome
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self.tell(
                    protocol.Exit(
                        code=outcome.code,
                        reason=outcome.ending,
                        message=self.sentence(wording.ending(farewell), outcome.ending),
                        sessionOpen=farewell.session_open,
                    )
                )
                await self.hang_up(outcome.ending.close_code)
        except TimeoutError:
            pass

    async def hang_up(self, code: int) -> None:
        if self.connected:
            await self.close(code=code)

    async def pass_on(self, message: str) -> None:
        if self.connected:
            await self.send(text_data=message)

    async def tell(self, message: protocol.ServerMessage) -> None:
        if self.connected:
            await self.send(text_data=protocol.dump(message))

    def sentence(self, text: Any, reason: Ending, seconds: int = 0) -> str:
        limit = settings.TERMINAL_IDLE_SECONDS if reason is Ending.IDLE else settings.TERMINAL_TOTAL_SECONDS
        values = {"seconds": seconds, "minutes": max(1, limit // 60), "count": settings.TERMINALS_PER_USER}
        with translation.override(self.language):
            return str(text) % values


def numbers_of(query: bytes) -> dict[str, int | None]:
    """From `?cols=120&rows=32&since=4096`; None for what is missing or makes no sense."""
    fields = parse_qs(query.decode("latin-1"))

    def number(name: str, least: int, most: int) -> int | None:
        text = fields.get(name, [""])[-1]
        value = int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else -1
        return value if least <= value <= most else None

    sides = {name: number(name, 1, protocol.MAX_SIDE) for name in ("cols", "rows")}
    return {**sides, "since": number("since", 0, MOST_POSITION)}
