"""The ASGI handler for HTTP: the whole synchronous Django chain (middleware and view) in one hop to a thread.

Django's own handler crosses between event loop and threads for the signals, for each middleware and for the view.
Here a request crosses once. Who runs when: the event loop reads the body and sends the response; one of WEB_THREADS
threads runs everything between, so at most that many requests, and database connections, are in use at once. Each
thread keeps its connection from request to request as CONN_MAX_AGE says.

The language and the request's id hold for a streamed body as well: it is sent from a task that runs in the request's
own context.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from io import BytesIO
from typing import Any, cast

from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.db import close_old_connections
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix
from django.utils import translation

from jobs_platform import metrics, request_id
from jobs_platform.api.later import LaterResponse
from jobs_platform.body_limit import TOO_LARGE

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BLOCK = 1 << 16
BODILESS = frozenset({204, 304})


class StreamCut(Exception):
    """The stream's own side ended it in the middle: the connection is cut, which a client can tell from an end."""


class PlatformHandler(ASGIHandler):
    def __init__(self) -> None:
        BaseHandler.__init__(self)  # not ASGIHandler's: that loads the asynchronous chain
        self.load_middleware(is_async=False)
        self.threads = ThreadPoolExecutor(settings.WEB_THREADS, thread_name_prefix="web")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError(f"This handler serves HTTP, not {scope['type']}.")
        try:
            body = await read_body(receive, settings.MAX_BODY_BYTES)
        except RequestAborted:
            return
        context = copy_context()
        response = await self.hop(context.run, self.respond, scope, body)
        if isinstance(response, HttpResponse):
            await send_whole(response, send)
        elif isinstance(response, StreamingHttpResponse):
            await self.stream(response, receive, send, context)

    async def hop(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.threads, function, *args)

    def respond(self, scope: Scope, body: bytes | None) -> HttpResponseBase:
        """In a thread: all of the request that is not network. A response that is whole is closed here, too, which
        sends request_finished; a stream is closed after its last part."""
        began = time.perf_counter()
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, BytesIO(body or b""))
        if request is None:
            response = cast("HttpResponseBase", refusal)
        else:
            setattr(request, TOO_LARGE, body is None)
            response = self.get_response(request)
        response._handler_class = self.__class__  # type: ignore[attr-defined]
        metrics.count_request(scope["method"], response.status_code, time.perf_counter() - began)
        if response.streaming:
            close_old_connections()
        else:
            response.close()
        return response

    async def stream(self, response: StreamingHttpResponse, receive: Receive, send: Send, context: Context) -> None:
        """Send the parts as they come. When the client goes away the generator is cancelled and closed at once."""
        context.run(restore, response)
        sending = asyncio.create_task(self.send_parts(response, send), context=context)
        leaving = asyncio.create_task(disconnected(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            has_left = leaving.done()
            leaving.cancel()
            if not sending.done():
                sending.cancel()
            await asyncio.wait((sending, leaving))
            await self.hop(response.close)
        if not sending.cancelled():
            sending.result()
        elif not has_left:
            raise StreamCut

    async def send_parts(self, response: StreamingHttpResponse, send: Send) -> None:
        # The view's own generator, not Django's wrapper around it: closing the wrapper would leave the inner one to
        # the garbage collector.
        own: Any = response
        parts = aiter(own._iterator) if own.is_async else self.parts_from_thread(response)
        try:
            if isinstance(response, LaterResponse):
                await response.settle()
            await send(start_of(response))
            async for part in parts:
                await send({"type": "http.response.body", "body": response.make_bytes(part), "more_body": True})
        finally:
            if hasattr(parts, "aclose"):
                await parts.aclose()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def parts_from_thread(self, response: StreamingHttpResponse) -> AsyncIterator[bytes]:
        """A synchronous body (a static file), read block by block; Django would read all of it into memory first."""
        if isinstance(response, FileResponse):
            response.block_size = BLOCK
        iterator: Iterator[bytes] = iter(response)
        while (part := await self.hop(next, iterator, None)) is not None:
            yield part


def restore(response: HttpResponseBase) -> None:
    """What the middleware had set for the view: the id was reset at its end, and Django's active language belongs to
    the thread that activated it."""
    request_id.current.set(response.headers.get("X-Request-ID", ""))
    language = response.headers.get("Content-Language")
    if language:
        translation.activate(language)


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """The body, or None when it is over the limit: then the rest is read and dropped, never kept."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestAborted
        part = message.get("body", b"")
        size += len(part)
        if size <= limit:
            parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts) if size <= limit else None


async def disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def send_whole(response: HttpResponse, send: Send) -> None:
    content = response.content
    if "Content-Length" not in response.headers and response.status_code not in BODILESS:
        response.headers["Content-Length"] = str(len(content))
    await send(start_of(response))
    await send({"type": "http.response.body", "body": content, "more_body": False})


def start_of(response: HttpResponseBase) -> Message:
    headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
    headers += [
        (b"Set-Cookie", cookie.output(header="").strip().encode("ascii")) for cookie in response.cookies.values()
    ]
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}
