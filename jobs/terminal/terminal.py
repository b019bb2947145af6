"""One open terminal: moves bytes between a shell and its peer, and ends when any of its limits says so.

Belongs to one event loop. Three tasks: `show` reads the shell only while the peer has credit, so that a flood waits in
the shell; `type` writes what was typed, so that a program that does not read holds up neither an acknowledgement nor a
resize; `watch` keeps the time limits and asks again for the right to be here. The first reason to end wins.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from jobs.cluster.base import ExecSession
from jobs.cluster.errors import ClusterError, NotFound
from jobs.terminal.protocol import FRAME_BYTES, PENDING_INPUT_BYTES, Credit, Ending, Fault, Refused

logger = logging.getLogger(__name__)

EXIT_CODE_SECONDS = 2.0  # from the end of the output to the exit code
LAST_OUTPUT_SECONDS = 2.0  # from the pod's end to the last output shown
RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds."""

    idle: float
    total: float
    warning: float  # so long before either
    authority: float  # rights that were lost are noticed within this


@dataclass(frozen=True, slots=True)
class Outcome:
    ending: Ending
    code: int | None = None


class Peer(Protocol):
    """Who looks at the terminal. A call returns when the peer's connection has room for more."""

    async def output(self, data: bytes) -> None: ...

    async def warn(self, reason: Ending, seconds: int) -> None: ...


class Terminal:
    def __init__(self, peer: Peer, limits: Limits) -> None:
        self.peer, self.limits = peer, limits
        self.loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[Outcome] = self.loop.create_future()
        self.session: ExecSession | None = None
        self.credit = Credit()
        self.has_credit = asyncio.Event()
        self.typed = asyncio.Event()
        self.pending = bytearray()
        self.unwritten = 0  # pending, and what is being written
        self.touched = self.started = self.loop.time()
        self.bytes_in = self.bytes_out = 0

    # What the peer asks for. None of it waits; what comes before the shell is there, or after its end, is kept or lost.

    def feed(self, data: bytes) -> None:
        """Raises Refused when too much waits already."""
        if self.unwritten + len(data) > PENDING_INPUT_BYTES:
            raise Refused(Fault.INPUT_FULL, "the program in the terminal does not read; try again later")
        self.touched = self.loop.time()
        self.pending += data
        self.unwritten += len(data)
        self.bytes_in += len(data)
        self.typed.set()

    def acknowledge(self, count: int) -> None:
        """Raises Refused."""
        self.credit.acknowledge(count)
        self.has_credit.set()

    async def resize(self, *, cols: int, rows: int) -> None:
        if self.session is not None:
            await self.session.resize(cols=cols, rows=rows)

    def finish(self, ending: Ending, code: int | None = None) -> None:
        if not self.outcome.done():
            self.outcome.set_result(Outcome(ending, code))

    async def run(self, session: ExecSession, objection: Callable[[], Awaitable[Ending | None]]) -> Outcome:
        """Until the end; the session is closed then, also when this is cancelled."""
        self.session = session
        parts = [partial(part, session) for part in (self.show, self.follow_end, self.type)]
        tasks = [asyncio.create_task(self.guarded(part)) for part in (*parts, partial(self.watch, objection))]
        try:
            return await asyncio.shield(self.outcome)
        finally:
            self.finish(Ending.FAILED)
            for task in tasks:
                task.cancel()
            await session.aclose()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def guarded(self, part: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            await part()
        except Exception:  # the boundary of one terminal: it ends, the process goes on
            logger.exception("A terminal failed")
            self.finish(Ending.FAILED)

    async def show(self, session: ExecSession) -> None:
        while True:
            await self.wait_for_credit()
            data = await session.read()
            if not data:
                break
            self.credit.sent(len(data))
            self.bytes_out += len(data)
            await self.peer.output(data)
        self.finish(*await self.how_it_ended(session))

    async def wait_for_credit(self) -> None:
        while self.credit.is_spent:
            self.has_credit.clear()
            await self.has_credit.wait()

    async def how_it_ended(self, session: ExecSession) -> tuple[Ending, int | None]:
        try:
            async with asyncio.timeout(EXIT_CODE_SECONDS):
                return Ending.EXITED, await session.wait()
        except TimeoutError:  # it closed its terminal and goes on without
            return Ending.EXITED, None
        except NotFound:
            return Ending.POD_ENDED, None
        except ClusterError:
            return Ending.UNAVAILABLE, None

    async def follow_end(self, session: ExecSession) -> None:
        """The pod's end is not held up by a peer that does not look at the output."""
        try:
            await session.wait()
        except ClusterError as exc:
            await asyncio.sleep(LAST_OUTPUT_SECONDS)
            self.finish(Ending.POD_ENDED if isinstance(exc, NotFound) else Ending.UNAVAILABLE)

    async def type(self, session: ExecSession) -> None:
        while True:
            await self.typed.wait()
            data = bytes(self.pending[:FRAME_BYTES])
            del self.pending[:FRAME_BYTES]
            if not self.pending:
                self.typed.clear()
            await session.write(data)
            self.unwritten -= len(data)

    async def watch(self, objection: Callable[[], Awaitable[Ending | None]]) -> None:
        await asyncio.gather(
            self.keep_limit(Ending.IDLE, self.limits.idle, lambda: self.touched),
            self.keep_limit(Ending.TIME_LIMIT, self.limits.total, lambda: self.started),
            self.keep_authority(objection),
        )

    async def keep_limit(self, ending: Ending, limit: float, since: Callable[[], float]) -> None:
        """Ends the terminal `limit` seconds after `since`, which may move on meanwhile; warns before, once for each
        place it stood at."""
        ahead = min(self.limits.warning, limit / 2)
        warned_for: float | None = None
        while (left := since() + limit - self.loop.time()) > 0:
            if left > ahead:
                await asyncio.sleep(left - ahead)
            elif warned_for != since():
                warned_for = since()
                with suppress(TimeoutError):  # a peer that reads nothing does not stop the clock
                    async with asyncio.timeout(left):
                        await self.peer.warn(ending, max(1, round(left)))
            else:
                await asyncio.sleep(left)
        self.finish(ending)

    async def keep_authority(self, objection: Callable[[], Awaitable[Ending | None]]) -> None:
        """Asks more often than the limit, so that the asking fits in. When nobody can answer for longer than the limit,
        the right is taken as lost."""
        asked = self.loop.time()
        pause = self.limits.authority * 2 / 3
        while True:
            await asyncio.sleep(pause)
            try:
                ending = await objection()
            except Exception:  # the registry is not to be had: asked again, and in the end refused
                logger.exception("A terminal's right could not be checked")
                if self.loop.time() - asked > self.limits.authority:
                    self.finish(Ending.FAILED)
                pause = min(RETRY_SECONDS, self.limits.authority / 4)
                continue
            if ending is not None:
                self.finish(ending)
            asked, pause = self.loop.time(), self.limits.authority * 2 / 3
