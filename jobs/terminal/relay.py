"""From the web process that a connection reached to the one that has its session: frame by frame, either side waiting
for the other.

The ticket goes along and is used up there. Nothing else of the peer's request is passed on but its Host and its
language. Imported where it is needed: most installations have one web process.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp

from jobs.terminal import stamps
from jobs.terminal.connection import Connection, Leaving, Peer, Visit
from jobs.terminal.protocol import FRAME_BYTES

CONNECT_SECONDS = 5.0
HEARTBEAT_SECONDS = 20.0
CLOSE_SECONDS = 5.0
ABNORMAL = 1006  # RFC 6455, 7.1.5: no close frame came
DONE, GOING_AWAY = 1000, 1001
ENDS_THE_SESSION = (Leaving.FOR_GOOD, Leaving.FAULTY)


class Unreached(Exception):
    """The other process cannot be reached, or has vanished."""


async def relay(connection: Connection, address: str) -> int:
    """Until either side ends; the close code that the other process gave. Raises Unreached."""
    try:
        async with aiohttp.ClientSession() as http:
            socket = await connect(http, connection.visit, address)
            async with socket:
                return await pass_frames(connection, socket)
    except (aiohttp.ClientError, OSError) as exc:  # TimeoutError is one
        raise Unreached(str(exc) or type(exc).__name__) from exc


async def connect(http: aiohttp.ClientSession, visit: Visit, address: str) -> aiohttp.ClientWebSocketResponse:
    async with asyncio.timeout(CONNECT_SECONDS):
        return await http.ws_connect(
            address_of(visit, address),
            headers={
                "Host": visit.host,
                "Accept-Language": visit.language,
                stamps.HEADER: stamps.stamp(visit.origin, visit.token),
            },
            heartbeat=HEARTBEAT_SECONDS,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
            max_msg_size=4 * FRAME_BYTES,
        )


def address_of(visit: Visit, address: str) -> str:
    given = {"cols": visit.cols, "rows": visit.rows, "since": visit.since}
    query = urlencode({name: value for name, value in given.items() if value is not None})
    return f"ws{address.removeprefix('http')}/webterminal/{visit.token}" + (f"?{query}" if query else "")


async def pass_frames(connection: Connection, socket: aiohttp.ClientWebSocketResponse) -> int:
    await connection.connect(FarLine(socket))
    showing = asyncio.ensure_future(show(connection.peer, socket))
    try:
        either: set[asyncio.Future[Any]] = {showing, connection.left}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        left = not showing.done()
        showing.cancel()
        with suppress(asyncio.CancelledError, Unreached):
            await showing
    if left:
        code = DONE if connection.left.result() in ENDS_THE_SESSION else GOING_AWAY
        await socket.close(code=code)
        return code
    return showing.result()


async def show(peer: Peer, socket: aiohttp.ClientWebSocketResponse) -> int:
    """Raises Unreached."""
    async for message in socket:
        if message.type is aiohttp.WSMsgType.BINARY:
            await peer.output(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT:
            await peer.pass_on(message.data)
    if socket.close_code in (None, ABNORMAL):
        raise Unreached("the connection to the other web process was lost")
    return socket.close_code


@dataclass
class FarLine:
    """What the other process refuses it answers itself."""

    socket: aiohttp.ClientWebSocketResponse

    async def feed(self, data: bytes) -> None:
        await self.say(self.socket.send_bytes(data))

    async def acknowledge(self, count: int) -> None:
        await self.say(self.socket.send_json({"operation": "ack", "bytes": count}))

    async def resize(self, *, cols: int, rows: int) -> None:
        await self.say(self.socket.send_json({"operation": "resize", "cols": cols, "rows": rows}))

    async def say(self, sending: Awaitable[None]) -> None:
        with suppress(ConnectionError):  # show() finds out
            await sending
