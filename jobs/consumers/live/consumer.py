"""The WebSocket that every open page has: says what changed, and the page reads it.

One task sends and awaits each send, so that a slow page is waited for, and what it missed meanwhile is told in one
message. Another one asks again and again whether who opened it may still see what it is told of. Takes no channel
layer: the hub listens for all connections of the process.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.utils import await_many_dispatch
from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import credentials
from jobs.api.log_target import in_database
from jobs.consumers.handshake import origin_is_ours, request_of
from jobs.consumers.live import protocol
from jobs.consumers.live.hub import hub
from jobs.consumers.live.inbox import Inbox, Sight
from jobs.consumers.live.protocol import BadMessage, CloseCode, Error, Heartbeat, ServerMessage, Topics, Watching
from jobs.exceptions import JobNotFound, PermissionDenied
from jobs.models import Job
from jobs.services import visible_project_ids

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 10.0
SPACING_SECONDS = 0.1  # between two messages of one connection
GOODBYE_SECONDS = 1.0


class Refused(Exception):
    """What the client is told before the connection is closed."""

    def __init__(self, close_code: CloseCode, code: str, message: str) -> None:
        super().__init__(code)
        self.close_code = close_code
        self.error = Error(code, str(message))


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    serving: "asyncio.Task[None] | None" = None
    asked: list[str] | None = None  # topics to watch from now on, not yet looked at

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Channels' own, without the channel layer. However it ends, the serving ends with it."""
        self.scope, self.base_send = scope, send
        try:
            await await_many_dispatch([receive], self.dispatch)
        except StopConsumer:
            pass
        finally:
            if self.serving is not None:
                self.serving.cancel()
                await asyncio.wait({self.serving})

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Without the thread hop that Channels makes before each message to close old database connections."""
        match message["type"]:
            case "websocket.connect":
                await self.accept(subprotocol=self.scope.get("auth_subprotocol"))
                self.inbox = Inbox(Topics(), Sight(frozenset()))
                self.asked = parse_qs(self.scope["query_string"].decode("latin-1")).get("topics", [""])[-1].split(",")
                self.serving = asyncio.create_task(self.serve())
            case "websocket.receive":
                self.hear(message.get("text"))
            case "websocket.disconnect":
                raise StopConsumer

    def hear(self, text: str | None) -> None:
        """What is no message asks for a topic that does not exist."""
        try:
            self.asked = list(protocol.parse(text or ""))
        except BadMessage as exc:
            self.asked = [str(exc)]
        self.inbox.filled.set()

    async def serve(self) -> None:
        """From the first look at who asks to the close."""
        request = request_of(self.scope)
        translation.activate(translation.get_language_from_request(request))
        try:
            self.check_caller(origin_is_ours(request))
            async with asyncio.TaskGroup() as group:
                group.create_task(self.watch_authority())
                group.create_task(self.beat())
                group.create_task(self.tell_news())
        except* Refused as refused:
            first = refused.exceptions[0]
            await self.refuse(first.close_code, first.error)  # type: ignore[union-attr]  # never a group in a group
        except* Exception:  # the task's boundary: the page connects again
            logger.exception("A live channel failed")
            await self.refuse(CloseCode.FAILED, Error("INTERNAL_ERROR", _("The platform failed. Connect again.")))

    def check_caller(self, origin_is_ours: bool) -> None:
        """A cookie is sent whichever page asks, so with one the page must be ours. Raises Refused."""
        if self.scope.get("credential") is None:
            code = self.scope.get("auth_error") or "NOT_AUTHENTICATED"
            sentence = _("Log in first: connect with Authorization: Bearer and a token from POST /api/auth/token.")
            raise Refused(CloseCode.NOT_AUTHENTICATED, code, sentence)
        if self.scope["auth"] == "session" and not origin_is_ours:
            sentence = _("The page that asked is not this site's, so its session does not count.")
            raise Refused(CloseCode.FORBIDDEN, PermissionDenied.code, sentence)

    async def tell_news(self) -> None:
        hub().join(self.inbox)
        try:
            while True:
                if self.asked is not None:
                    await self.watch(self.asked)
                await self.inbox.filled.wait()
                if self.asked is not None:
                    continue
                await self.tell(self.inbox.empty())
                await asyncio.sleep(SPACING_SECONDS)
        finally:
            await hub().leave(self.inbox)

    async def watch(self, names: list[str]) -> None:
        """Raises Refused. What changes after this is told."""
        self.asked = None
        try:
            topics = protocol.read_topics([name for name in names if name])
        except BadMessage as exc:
            raise Refused(CloseCode.BAD_REQUEST, "VALIDATION_ERROR", str(exc)) from None
        sight = await in_database(look, self.scope["credential"].key, topics.job_ids)
        self.inbox.topics, self.inbox.sight = topics, sight
        await self.tell(Watching([name for name in names if name]))

    async def watch_authority(self) -> None:
        """Asked so often that a loss shows within AUTHORITY_CHECK_SECONDS. Raises Refused, also when nobody can answer:
        the client connects again."""
        limit = settings.AUTHORITY_CHECK_SECONDS
        while True:
            await asyncio.sleep(limit * 0.8)
            async with asyncio.timeout(limit * 0.2):
                sight = await in_database(look, self.scope["credential"].key, self.inbox.topics.job_ids)
            if sight != self.inbox.sight:
                self.inbox.sight = sight
                self.inbox.take_anything()

    async def beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self.tell(Heartbeat(timezone.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")))

    async def refuse(self, close_code: CloseCode, error: Error) -> None:
        """A client that reads nothing is not waited for."""
        number = int(close_code)  # and nothing derived from it, or autobahn refuses it
        for say in (partial(self.tell, error), partial(self.close, code=number)):
            with suppress(TimeoutError):
                await asyncio.wait_for(say(), GOODBYE_SECONDS)

    async def tell(self, message: ServerMessage) -> None:
        await self.send(text_data=protocol.dump(message))


def look(credential_key: str, job_ids: frozenset[str]) -> Sight:
    """Whom the credential speaks for may see that. Raises Refused when it speaks for nobody, or when one of the jobs is
    not, or no longer, to be seen."""
    user = credentials.user_of(credential_key)
    if user is None:
        sentence = _("You were logged out. Log in and connect again.")
        raise Refused(CloseCode.NOT_AUTHENTICATED, "NOT_AUTHENTICATED", sentence)
    if job_ids and Job.objects.visible_to(user).filter(public_id__in=job_ids).count() < len(job_ids):
        raise Refused(CloseCode.NOT_FOUND, JobNotFound.code, JobNotFound().message)
    projects = visible_project_ids(user)
    return Sight(None if projects is None else frozenset(projects))
