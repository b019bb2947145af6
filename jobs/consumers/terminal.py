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
from django.utils import translation

from jobs.consumers.handshake import origin_is_ours, request_of
from jobs.models import TerminalTicket
from jobs.services import Origin
from jobs.terminal import protocol, wording
from jobs.terminal.broker import Broker, Visit
from jobs.terminal.protocol import Ack, Ending, Ping, Refused, Resize, Stdin
from jobs.terminal.terminal import Outcome, Terminal
from jobs_platform.client_address import client_address

BROKER = Broker()
GOODBYE_SECONDS = 10.0
CLEAN_UP_SECONDS = 5.0
SERVICE_RESTART = 1012


class TerminalConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    terminal: Terminal | None = None
    serving: "asyncio.Task[None] | None" = None
    connected = False
    errors = 0

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Channels' own, without the channel layer. However it ends, the terminal ends with it."""
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
        if self.terminal is not None and self.serving is not None:
            self.terminal.finish(Ending.RESTARTING)
            await asyncio.wait({self.serving}, timeout=CLEAN_UP_SECONDS)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Without the thread hop that Channels makes before each message to close old database connections."""
        match message["type"]:
            case "websocket.connect":
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
            await self.goodbye(Outcome(Ending.WRONG_ORIGIN))
            return
        user = self.scope.get("user")
        cols, rows = size_of(self.scope["query_string"])
        visit = Visit(
            token=self.scope["url_route"]["kwargs"]["ticket"],
            origin=Origin(address=client_address(request)),
            cols=cols,
            rows=rows,
            known_user=user.pk if user is not None else None,
        )
        self.terminal, self.serving = BROKER.receive(visit, self)

    def disconnected(self, code: int | None) -> None:
        self.connected = False
        if self.terminal is not None:
            self.terminal.finish(Ending.RESTARTING if code == SERVICE_RESTART else Ending.CLIENT_LEFT)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.terminal is None or self.terminal.outcome.done():
            return
        try:
            message = (
                protocol.parse_text(text_data) if text_data is not None else protocol.parse_binary(bytes_data or b"")
            )
            await self.act(self.terminal, message)
        except Refused as refused:
            self.errors += 1
            await self.tell(protocol.Error(code=refused.fault, message=refused.why))
            if self.errors >= protocol.ERRORS_ALLOWED:
                self.terminal.finish(Ending.PROTOCOL)

    async def act(self, terminal: Terminal, message: protocol.ClientMessage) -> None:
        """Raises Refused."""
        match message:
            case Stdin(data):
                terminal.feed(data)
            case Resize(cols, rows):
                await terminal.resize(cols=cols, rows=rows)
            case Ack(count):
                terminal.acknowledge(count)
            case Ping():
                await self.tell(protocol.Pong())

    # What the broker says to the peer.

    async def ready(self, ticket: TerminalTicket, *, cols: int, rows: int) -> None:
        await self.tell(
            protocol.Ready(
                jobId=ticket.job.public_id,
                podName=ticket.pod.name,
                cols=cols,
                rows=rows,
                idleSeconds=settings.TERMINAL_IDLE_SECONDS,
                totalSeconds=settings.TERMINAL_TOTAL_SECONDS,
            )
        )

    async def output(self, data: bytes) -> None:
        if self.connected:
            await self.send(bytes_data=data)

    async def warn(self, reason: Ending, seconds: int) -> None:
        sentence = self.sentence(wording.WARNINGS[reason], reason, seconds=seconds)
        await self.tell(protocol.LimitWarning(reason=reason, seconds=seconds, message=sentence))

    async def goodbye(self, outcome: Outcome) -> None:
        """A peer that reads nothing is not waited for: the server's pings find out about it."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                sentence = self.sentence(wording.ENDINGS[outcome.ending], outcome.ending)
                await self.tell(protocol.Exit(code=outcome.code, reason=outcome.ending, message=sentence))
                if self.connected:
                    await self.close(code=outcome.ending.close_code, reason=outcome.ending.value)
        except TimeoutError:
            pass

    async def tell(self, message: protocol.ServerMessage) -> None:
        if self.connected:
            await self.send(text_data=protocol.dump(message))

    def sentence(self, text: Any, reason: Ending, seconds: int = 0) -> str:
        limit = settings.TERMINAL_IDLE_SECONDS if reason is Ending.IDLE else settings.TERMINAL_TOTAL_SECONDS
        values = {"seconds": seconds, "minutes": max(1, limit // 60), "count": settings.TERMINALS_PER_USER}
        with translation.override(self.language):
            return str(text) % values


def size_of(query: bytes) -> tuple[int, int]:
    """From `?cols=120&rows=32`; what is missing or makes no sense is the usual 80 by 24."""
    fields = parse_qs(query.decode("latin-1"))

    def side(name: str, default: int) -> int:
        text = fields.get(name, [""])[-1]
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0
        return number if 1 <= number <= protocol.MAX_SIDE else default

    return side("cols", protocol.DEFAULT_COLS), side("rows", protocol.DEFAULT_ROWS)
