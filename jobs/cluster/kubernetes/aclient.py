"""The asynchronous half's way to the API server: raw bytes over `kubernetes.aio`'s client, which brings the address,
the credentials and the TLS settings. Watches, followed logs and terminals all go through here.

One AsyncClient serves a whole process; each event loop has connections of its own. Credentials may change at any time
(connection.py): new requests then get a new official client, and the old one is closed when its last stream has ended.
Every error that leaves is one of jobs.cluster.errors.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import aiohttp

from jobs.cluster.errors import Unavailable
from jobs.cluster.kubernetes.connection import Access
from jobs.cluster.kubernetes.errors import refused, unreachable
from jobs.cluster.kubernetes.sockets import keepalive_socket

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient

Query = Sequence[tuple[str, str]]

LARGEST_BODY = 64 << 20  # of one answer that is held whole; lists are asked for in pages
LARGEST_LINE = 16 << 20  # of a stream: far above what etcd lets an object be (1.5 MiB)
LARGEST_REFUSAL = 64 << 10
LONGEST_ANSWER = 300.0  # seconds for a whole answer, however steadily it drips
NO_CONNECTION = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
FAILURES = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(slots=True)
class Session:
    """One official client and its connections. Retired, it is closed once nobody uses it."""

    api: "ApiClient"
    stamp: float
    users: int = 0
    retired: bool = False

    async def leave(self) -> None:
        self.users -= 1
        if self.retired and not self.users:
            await self.api.close()

    async def retire(self) -> None:
        self.retired = True
        if not self.users:
            await self.api.close()


@dataclass(slots=True)
class OfLoop:
    """What one event loop holds; the lock keeps two tasks from making a session at once."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    session: Session | None = None


class AsyncClient:
    def __init__(self, access: Access) -> None:
        self.access = access
        self.loops: WeakKeyDictionary[asyncio.AbstractEventLoop, OfLoop] = WeakKeyDictionary()

    async def get(self, path: str, query: Query = ()) -> bytes:
        """The whole body of a 2xx. `path` is absolute, its parts quoted by the caller where they need it."""
        async with self.answer(path, query, read_seconds=self.access.read_seconds, total=LONGEST_ANSWER) as response:
            return await self.body(response, LARGEST_BODY)

    @asynccontextmanager
    async def stream(
        self, path: str, query: Query = (), *, read_seconds: float | None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body of a 2xx in chunks as they arrive, until the server ends it; a cut raises Unavailable.

        `read_seconds` bounds the silence between two chunks; with None only the kernel's keepalive notices that the
        peer is gone."""
        async with self.answer(path, query, read_seconds=read_seconds, total=None) as response:
            yield self.chunks(response)

    async def lines(
        self, path: str, query: Query = (), *, read_seconds: float | None, largest: int = LARGEST_LINE
    ) -> AsyncGenerator[bytes, None]:
        """The lines of a stream with their newlines; the last one may lack it. A line over `largest` bytes raises
        Unavailable. Close the generator (contextlib.aclosing) to close the connection at once."""
        async with self.stream(path, query, read_seconds=read_seconds) as chunks:
            async for line in split(chunks, largest):
                yield line

    @asynccontextmanager
    async def websocket(
        self, path: str, query: Query, *, protocols: Sequence[str], autoping: bool = True
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket that the API server accepted. Raises what a refusal's body says. Errors after the handshake are
        aiohttp's, for the caller to tell apart. Without `autoping` pings and pongs are the caller's affair."""
        async with self.session() as session:
            headers: dict[str, str] = {}
            _method, url, headers, *_ = await session.api.param_serialize(
                "GET", path, query_params=list(query), header_params=headers, auth_settings=["BearerToken"]
            )
            connections = session.api.rest_client.pool_manager
            options: dict[str, Any] = {"proxy": session.api.configuration.proxy}
            if name := session.api.configuration.tls_server_name:
                options["server_hostname"] = name
            try:
                async with asyncio.timeout(self.access.connect_seconds + self.access.read_seconds):
                    opened = await connections.ws_connect(
                        url, headers=headers, protocols=protocols, autoping=autoping, max_msg_size=0, **options
                    )
            except Refused as exc:
                if exc.status == 401:
                    await self.drop(session)
                raise refused(exc.status, exc.body, f"GET {path}") from None
            except FAILURES as exc:
                raise self.no_answer(exc, session) from exc
            async with opened:
                yield opened

    async def aclose(self) -> None:
        """Closes the running loop's connections; the client may be used again."""
        held = self.loops.pop(asyncio.get_running_loop(), None)
        if held and held.session:
            await held.session.retire()

    @asynccontextmanager
    async def answer(
        self, path: str, query: Query, *, read_seconds: float | None, total: float | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A 2xx answer, closed at the end whether it was read or not. After a 401 it is asked once more, with
        credentials read anew."""
        timeout = aiohttp.ClientTimeout(total=total, sock_connect=self.access.connect_seconds, sock_read=read_seconds)
        for last in (False, True):
            async with self.session() as session:
                response = await self.ask(session, path, query, timeout)
                try:
                    if 200 <= response.status < 300:
                        yield response
                        return
                    if response.status == 401:
                        await self.drop(session)
                    if response.status != 401 or last:
                        said = await self.body(response, LARGEST_REFUSAL)
                        raise refused(response.status, said, f"GET {path}")
                finally:
                    response.close()

    async def ask(
        self, session: Session, path: str, query: Query, timeout: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        """Only the head of the answer is there when this returns."""
        api = session.api
        try:
            method, url, headers, *_ = await api.param_serialize(
                "GET", path, query_params=list(query), header_params={}, auth_settings=["BearerToken"]
            )
            answered = await api.call_api(method, url, headers, _request_timeout=timeout)
        except FAILURES as exc:
            raise self.no_answer(exc, session) from exc
        response: aiohttp.ClientResponse = answered.response
        return response

    async def body(self, response: aiohttp.ClientResponse, largest: int) -> bytes:
        gathered = bytearray()
        async for chunk in self.chunks(response):
            gathered += chunk
            if len(gathered) > largest:
                raise Unavailable(f"an answer of over {largest >> 20} MiB from {response.url.host}")
        return bytes(gathered)

    async def chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        try:
            async for chunk in response.content.iter_any():
                yield chunk
        except FAILURES as exc:
            raise unreachable(exc, str(response.url.origin())) from exc

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        held = self.loops.setdefault(asyncio.get_running_loop(), OfLoop())
        async with held.lock:
            session = held.session = await self.current(held.session)
            session.users += 1
        try:
            yield session
        finally:
            await session.leave()

    async def current(self, session: Session | None) -> Session:
        """A new one where there is none, or where the credentials' file was replaced."""
        try:
            stamp = self.access.stamp()
            if session and session.stamp == stamp:
                return session
            made = Session(await self.make(), stamp)
        except Unavailable as exc:
            raise NotConnected(str(exc)) from exc
        if session:
            await session.retire()
        return made

    async def drop(self, session: Session) -> None:
        """Its credentials were refused: the next request reads them anew."""
        held = self.loops[asyncio.get_running_loop()]
        if held.session is session:
            held.session = None
        await session.retire()

    async def make(self) -> "ApiClient":
        api = await self.access.async_client()
        rest = api.rest_client
        rest.pool_manager = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=rest.ssl_context, socket_factory=keepalive_socket),
            middlewares=(hear_out_refusal,),
        )
        return api

    def no_answer(self, exc: BaseException, session: Session) -> Unavailable:
        failure = unreachable(exc, str(session.api.configuration.host))
        return NotConnected(str(failure)) if isinstance(exc, NO_CONNECTION) else failure


class NotConnected(Unavailable):
    """No server was reached, so that none was asked."""


class Refused(Exception):
    """A WebSocket's handshake was answered otherwise; aiohttp itself would throw the body away."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body
        super().__init__(f"HTTP {status}")


async def hear_out_refusal(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    response = await handler(request)
    if response.status != 101 and request.headers.get("Upgrade", "").lower() == "websocket":
        body = await response.content.read(LARGEST_REFUSAL)
        response.close()
        raise Refused(response.status, body)
    return response


async def split(chunks: AsyncIterator[bytes], largest: int) -> AsyncGenerator[bytes, None]:
    """Lines with their newlines, however they were cut into chunks; what follows the last newline comes at the end."""
    parts: list[bytes] = []
    held = 0
    async for chunk in chunks:
        *whole, rest = chunk.split(b"\n")
        for piece in whole:
            if held + len(piece) > largest:
                raise too_long(largest)
            yield b"".join((*parts, piece, b"\n"))
            parts, held = [], 0
        if rest:
            parts.append(rest)
            held += len(rest)
        if held > largest:
            raise too_long(largest)
    if parts:
        yield b"".join(parts)


def too_long(largest: int) -> Unavailable:
    return Unavailable(f"a line of over {largest} bytes in a stream of the API server")
