"""One connection to a terminal: its place in the output, its credit, and what it is to be told.

Its pump is the only one that sends to the peer once it is ready, so that nothing that a peer's full connection holds up
can hold up anybody else. What is told waits in one place for each kind: of two sizes the later counts.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from jobs.terminal.protocol import (
    FRAME_BYTES,
    SCROLLBACK_BYTES,
    Audience,
    Credit,
    Ending,
    Fault,
    Mode,
    Ready,
    Refused,
    ServerMessage,
    Size,
    Skipped,
)
from jobs.terminal.scrollback import Opening, Scrollback

if TYPE_CHECKING:
    from jobs.terminal.terminal import Terminal

SKIPPED_TO = SCROLLBACK_BYTES // 4  # so much of the newest is shown to who was skipped


@dataclass(frozen=True, slots=True)
class Outcome:
    ending: Ending
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Farewell:
    """Why a connection ends. `session_open`: the session goes on without it."""

    outcome: Outcome
    session_open: bool = False


class Peer(Protocol):
    """Who looks at the terminal. A call returns when the peer's connection has room for more."""

    async def output(self, data: bytes) -> None: ...

    async def tell(self, message: ServerMessage) -> None: ...

    async def warn(self, reason: Ending, seconds: int) -> None: ...


class Viewer:
    def __init__(self, peer: Peer, mode: Mode, name: str, terminal: "Terminal") -> None:
        self.peer, self.mode, self.name, self.terminal = peer, mode, name, terminal
        self.credit = Credit()
        self.prefix, self.position = b"", 0
        self.sending = False
        self.notes: dict[type[ServerMessage] | str, Callable[[], Awaitable[None]]] = {}
        self.news = asyncio.Event()
        self.farewell: asyncio.Future[Farewell] = asyncio.get_running_loop().create_future()

    # What the peer asks for. None of it waits for the peer or for the shell's program.

    async def feed(self, data: bytes) -> None:
        """Raises Refused."""
        self.require_writer().feed(data)

    async def resize(self, *, cols: int, rows: int) -> None:
        """Raises Refused."""
        await self.require_writer().resize(cols=cols, rows=rows)

    async def acknowledge(self, count: int) -> None:
        """Raises Refused."""
        self.credit.acknowledge(count)
        self.news.set()

    def require_writer(self) -> "Terminal":
        """Who was taken over is told so; what it types meanwhile is nobody's."""
        if self.mode is not Mode.WRITE or self.farewell.done():
            raise Refused(Fault.READ_ONLY, "you only watch this terminal")
        return self.terminal

    # What the terminal says.

    def begin(self, opening: Opening) -> None:
        self.prefix, self.position = opening.prefix, opening.position

    def leave(self, farewell: Farewell) -> None:
        if not self.farewell.done():
            self.farewell.set_result(farewell)

    def tell(self, message: Audience | Size) -> None:
        self.note(type(message), partial(self.peer.tell, message))

    def warn(self, reason: Ending, seconds: int) -> None:
        self.note(reason, partial(self.peer.warn, reason, seconds))

    def note(self, kind: type[ServerMessage] | str, say: Callable[[], Awaitable[None]]) -> None:
        self.notes[kind] = say
        self.news.set()

    def is_current(self, scrollback: Scrollback) -> bool:
        """Has been given all there is."""
        return not self.sending and not self.prefix and self.position == scrollback.end

    async def show(self, ready: Ready, scrollback: Scrollback) -> None:
        """Until cancelled."""
        await self.peer.tell(ready)
        while True:
            self.news.clear()
            for kind in tuple(self.notes):
                await self.notes.pop(kind)()
            if self.credit.is_spent or self.is_current(scrollback):
                self.terminal.room.set()
                if not self.news.is_set():
                    await self.news.wait()
            else:
                await self.send(scrollback)

    async def send(self, scrollback: Scrollback) -> None:
        if self.position < scrollback.start:
            await self.skip(scrollback)
        data = self.prefix or scrollback.read(self.position, FRAME_BYTES)
        self.position += 0 if self.prefix else len(data)
        self.prefix = b""
        self.credit.sent(len(data))
        self.sending = True
        await self.peer.output(data)
        self.sending = False

    async def skip(self, scrollback: Scrollback) -> None:
        """To the newest: what lies between is not here any more."""
        opening, before = scrollback.newest(SKIPPED_TO), self.position
        self.begin(opening)
        await self.peer.tell(Skipped(bytes=opening.position - before))
