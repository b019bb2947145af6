"""What a consumer holds: takes the peer's messages from its first moment on, before it is known who it is."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from jobs.services import Origin
from jobs.terminal import viewer
from jobs.terminal.protocol import PENDING_INPUT_BYTES, Ack, Ending, Fault, Refused, Resize, Stdin
from jobs.terminal.viewer import Farewell

EARLY_MESSAGES = 1000


@dataclass(frozen=True, slots=True)
class Visit:
    """What a peer comes with. `known_user` is who its cookie or token says it is, if it brought one; `relayed`: another
    web process sent it here."""

    token: str = field(repr=False)
    origin: Origin
    cols: int | None = None
    rows: int | None = None
    since: int | None = None
    known_user: int | None = None
    language: str = ""
    host: str = ""
    relayed: bool = False


class Peer(viewer.Peer, Protocol):
    async def goodbye(self, farewell: Farewell) -> None:
        """The last word. May be called when nobody is there to hear it any more."""

    async def pass_on(self, message: str) -> None:
        """A text frame of the web process that has the session."""

    async def hang_up(self, code: int) -> None:
        """Without a word: it was passed on."""


class Leaving(Enum):
    """How a peer left."""

    FOR_GOOD = "for good"  # the session is to end
    DROPPED = "dropped"
    RESTARTING = "restarting"  # this server is stopping
    FAULTY = "faulty"  # it was sent away: it sends what nobody understands

    @property
    def ending(self) -> Ending:
        """Of a session that ends with its writer."""
        return ENDINGS[self]


ENDINGS = {
    Leaving.FOR_GOOD: Ending.CLIENT_LEFT,
    Leaving.DROPPED: Ending.CLIENT_LEFT,
    Leaving.RESTARTING: Ending.RESTARTING,
    Leaving.FAULTY: Ending.PROTOCOL,
}


class Line(Protocol):
    """To the terminal. Each raises Refused."""

    async def feed(self, data: bytes) -> None: ...

    async def acknowledge(self, count: int) -> None: ...

    async def resize(self, *, cols: int, rows: int) -> None: ...


Message = Stdin | Resize | Ack


class Connection:
    def __init__(self, visit: Visit, peer: Peer) -> None:
        self.visit, self.peer = visit, peer
        self.line: Line | None = None
        self.early: list[Message] = []
        self.left: asyncio.Future[Leaving] = asyncio.get_running_loop().create_future()
        self.over = False
        self.passed_on = False  # to another web process

    async def take(self, message: Message) -> None:
        """Raises Refused."""
        if self.over or self.left.done():
            return
        if self.line is None:
            self.keep(message)
        else:
            await deliver(message, self.line)

    def keep(self, message: Message) -> None:
        self.early.append(message)
        size = sum(len(kept.data) for kept in self.early if isinstance(kept, Stdin))
        if size > PENDING_INPUT_BYTES or len(self.early) > EARLY_MESSAGES:
            self.early.pop()
            raise Refused(Fault.INPUT_FULL, "the terminal is not open yet; try again later")

    async def connect(self, line: Line) -> None:
        """What came before goes first."""
        while self.early:
            with suppress(Refused):  # it was answered when it came, if at all
                await deliver(self.early.pop(0), line)
        self.line = line

    def leave(self, how: Leaving) -> None:
        """The first way counts."""
        if not self.left.done():
            self.left.set_result(how)


async def deliver(message: Message, line: Line) -> None:
    match message:
        case Stdin(data):
            await line.feed(data)
        case Resize(cols, rows):
            await line.resize(cols=cols, rows=rows)
        case Ack(count):
            await line.acknowledge(count)
