"""The WebSocket of a pod's log: the same path and parameters as over HTTP, the messages of jobs.logs.protocol.

One task sends; it awaits each send, which returns when the socket can take more, so that a slow reader is waited for
and costs no memory. Meanwhile messages from the client are dispatched one by one in the connection's own task. Takes no
channel layer: the log is read from the store, so nothing here needs Redis.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import aclosing, suppress
from functools import partial
from typing import Any

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.utils import await_many_dispatch
from django.http import QueryDict
from django.utils import translation
from django.utils.translation import gettext as _

from jobs.api import log_query
from jobs.api.log_streams import AccessEnded, authorised
from jobs.api.log_target import LOST, Target, final_status, find_target, in_database
from jobs.consumers.handshake import origin_is_ours, request_of
from jobs.exceptions import PermissionDenied, PlatformError, ValidationFailed
from jobs.logs import protocol
from jobs.logs.protocol import FRAME_BYTES, WINDOW_BYTES, BadMessage, CloseCode, End, Error, ServerMessage

logger = logging.getLogger(__name__)

ACK_SECONDS = 60.0
GOODBYE_SECONDS = 1.0


class Refused(Exception):
    """What the client is told before the connection is closed."""

    def __init__(self, close_code: int, error: Error) -> None:
        super().__init__(error.code)
        self.close_code = close_code
        self.error = error


class LogsConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    sending: "asyncio.Task[None] | None" = None
    acknowledged: int | None = None

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Channels' own, without the channel layer. However it ends, the sending ends with it."""
        self.scope, self.base_send = scope, send
        self.news = asyncio.Event()
        try:
            await await_many_dispatch([receive], self.dispatch)
        except StopConsumer:
            pass
        finally:
            if self.sending is not None:
                self.sending.cancel()
                await asyncio.wait({self.sending})

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Without the thread hop that Channels makes before each message to close old database connections."""
        match message["type"]:
            case "websocket.connect":
                await self.accept(subprotocol=self.scope.get("auth_subprotocol"))
                self.sending = asyncio.create_task(self.serve())
            case "websocket.receive":
                await self.receive(text_data=message.get("text"))
            case "websocket.disconnect":
                raise StopConsumer

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            self.acknowledge(text_data or "")
        except BadMessage as exc:
            if self.sending is None or self.sending.done():
                return
            self.sending.cancel()
            await asyncio.wait({self.sending})
            await self.refuse(CloseCode.BAD_REQUEST, Error("VALIDATION_ERROR", str(exc)))
            raise StopConsumer from exc

    def acknowledge(self, text: str) -> None:
        """Raises BadMessage."""
        self.acknowledged = max(self.acknowledged or 0, protocol.parse(text).cursor)
        self.news.set()

    async def serve(self) -> None:
        """From the first look at who asks to the close."""
        request = request_of(self.scope)
        translation.activate(translation.get_language_from_request(request))
        kwargs = self.scope["url_route"]["kwargs"]
        try:
            self.check_caller(origin_is_ours(request))
            await self.stream(**kwargs)
        except Refused as refused:
            await self.refuse(refused.close_code, refused.error)
        except PlatformError as exc:
            details = exc.details if isinstance(exc, ValidationFailed) else {}
            await self.refuse(4000 + exc.status, Error(exc.code, exc.message, details))
        except AccessEnded as exc:
            await self.refuse(CloseCode.FORBIDDEN, Error(PermissionDenied.code, exc.message))
        except asyncio.CancelledError as exc:
            if exc.args != (LOST,):
                raise
            await self.refuse(CloseCode.FORBIDDEN, Error(PermissionDenied.code, AccessEnded().message))
        except Exception:  # the task's boundary: the client is told that it is not the end of the log
            logger.exception("The log stream of %s failed", kwargs.get("pod_name", kwargs["job_id"]))
            await self.refuse(CloseCode.FAILED, Error("INTERNAL_ERROR", _("The platform failed. Connect again.")))

    def check_caller(self, origin_is_ours: bool) -> None:
        """A cookie is sent whichever page asks, so with one the page must be ours. Raises Refused."""
        if self.scope.get("credential") is None:
            code = self.scope.get("auth_error") or "NOT_AUTHENTICATED"
            sentence = _("Log in first: connect with Authorization: Bearer and a token from POST /api/auth/token.")
            raise Refused(CloseCode.NOT_AUTHENTICATED, Error(code, sentence))
        if self.scope["auth"] == "session" and not origin_is_ours:
            sentence = _("The page that asked is not this site's, so its session does not count.")
            raise Refused(CloseCode.FORBIDDEN, Error(PermissionDenied.code, sentence))

    async def stream(self, job_id: str, pod_name: str) -> None:
        wanted = log_query.read(QueryDict(self.scope["query_string"]), following=True)
        target = await in_database(self.find, job_id, pod_name, wanted.container)
        source = authorised(target, wanted, self.scope["credential"].key, read_bytes=FRAME_BYTES)
        sent = wanted.query.cursor or 0
        async with aclosing(source) as chunks:
            async for chunk in chunks:
                if chunk.data:
                    if chunk.gap and self.acknowledged is not None:
                        self.acknowledged += max(0, chunk.cursor - sent)  # what a gap skips is not on its way
                    await self.wait_for_room(chunk.cursor)
                    await self.send(text_data=chunk.shaped(protocol.frame))
                    sent = chunk.cursor
        await self.tell(End(await final_status(target)))
        await self.close(code=int(CloseCode.END))

    def find(self, job_id: str, pod_name: str, container: str) -> Target:
        return find_target(actor=self.scope["user"], job_id=job_id, pod_name=pod_name, container=container, follow=True)

    async def wait_for_room(self, cursor: int) -> None:
        """Only for a client that acknowledges. Raises Refused when it stops doing so."""
        if self.acknowledged is None or cursor - self.acknowledged <= WINDOW_BYTES:
            return
        try:
            async with asyncio.timeout(ACK_SECONDS):
                while cursor - self.acknowledged > WINDOW_BYTES:
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            sentence = _("Nothing was acknowledged for a minute. Connect again with the last cursor.")
            raise Refused(CloseCode.BAD_REQUEST, Error("VALIDATION_ERROR", sentence)) from None

    async def refuse(self, close_code: int, error: Error) -> None:
        """A client that reads nothing is not waited for."""
        number = int(close_code)  # and nothing derived from it, or autobahn refuses it
        for say in (partial(self.tell, error), partial(self.close, code=number)):
            with suppress(TimeoutError):
                await asyncio.wait_for(say(), GOODBYE_SECONDS)

    async def tell(self, message: ServerMessage) -> None:
        await self.send(text_data=protocol.dump(message))
