"""Following the log of one pod's container over the API server, however often that breaks off.

    look at the pod ──→ waiting: look again ──→ never ran: done
          │  ↑
          ↓  │ after each answer
    ask for the log from the last position ──→ it ended: the container had ended before we asked, and nothing new came?
                                               then this is all; else look, and ask again
                                           ──→ it broke off, or was silent for long: ask again

An answer that ends proves nothing by itself: it ends when the node's connection to the API server drops, too. An answer
that does not end proves nothing either: where a log is rotated, following may stall (Kubernetes #59477 and its kin). So
the end is confirmed, and a log that falls silent is asked for anew. One that was silent from the first is left alone
for longer: what has printed nothing was not rotated.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum

from jobs.cluster.base import LogLines, LogPosition, PodRef
from jobs.cluster.errors import Invalid, NotFound, Unavailable
from jobs.cluster.kubernetes.aclient import AsyncClient
from jobs.cluster.kubernetes.log_source import Life, LogSource
from jobs.cluster.kubernetes.reading import Reading

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """In seconds."""

    silence: float = 60.0  # after so long without a word the log is asked for anew
    unbroken: float = 1800.0  # the same for an answer that has brought nothing yet
    searching: float = 10.0  # the place to go on from comes first, and so at once, if it is there at all
    unfinished: float = 0.5  # the beginning of a line is given after so long without its end
    pause: float = 0.25  # between two requests where the last brought nothing; doubled while they do
    pause_most: float = 5.0
    outage: float = 60.0  # after so long without an answer: Unavailable


class Ended(Enum):
    """How an answer did."""

    WHOLE = "whole"  # so the server said
    BROKEN = "broken"
    SILENT = "silent"
    LOST = "lost"  # the place to go on from is not there
    REFUSED = "refused"


COMPLAINTS = 4  # so often a node may refuse the log of a container that has ended; then it is not there any more


async def follow(
    client: AsyncClient, pod: PodRef, *, since: LogPosition | None, timing: Timing | None = None
) -> AsyncGenerator[LogLines, None]:
    """See ClusterStreams.follow_logs."""
    following = Following(LogSource(client, pod), Reading(since), timing or Timing())
    async with aclosing(following.run()) as found:
        async for lines in found:
            yield lines


class Following:
    def __init__(self, source: LogSource, reading: Reading, timing: Timing) -> None:
        self.source = source
        self.reading = reading
        self.timing = timing
        self.pause = timing.pause
        self.failing_since: float | None = None
        self.complaints = 0
        self.brought = False  # the answer at hand, anything new
        self.has_all = False  # all that there was when the last answer ended, as far as anybody can know
        self.opened = False  # it began to come at all
        self.ended: Ended | None = None

    async def run(self) -> AsyncGenerator[LogLines, None]:
        life = await self.look()
        while life is not Life.NEVER_RAN:
            if life is Life.WAITING:
                await self.rest()
            else:
                async with aclosing(self.answer(life)) as found:
                    async for lines in found:
                        yield lines
                if life is Life.ENDED and self.is_all():
                    return
                if self.ended is Ended.LOST or (life is Life.ENDED and self.is_missing()):
                    yield self.reading.give_up()
                    continue
                if self.ended is Ended.SILENT:
                    continue
                if not self.brought:
                    await self.rest()
            try:
                life = await self.look()
            except NotFound:
                if self.has_all:
                    return  # it went away just after its end
                raise

    def is_all(self) -> bool:
        return self.has_all and not self.brought

    def is_missing(self) -> bool:
        return self.ended is Ended.WHOLE and not self.has_all

    async def look(self) -> Life:
        """Raises NotFound, and Unavailable when that lasts."""
        while True:
            try:
                return await self.source.life()
            except Unavailable as exc:
                self.failed(exc)
                await self.rest()

    async def answer(self, life: Life) -> AsyncGenerator[LogLines, None]:
        """One answer of the log endpoint; `ended` says afterwards how it ended. Raises NotFound, and Unavailable."""
        self.brought = self.opened = False
        since = self.reading.begin()
        patience = spread(self.timing.unbroken)
        try:
            async with self.source.log(since, patience) as chunks, aclosing(self.read(chunks)) as found:
                async for lines in found:
                    self.noticed()
                    yield lines
        except Unavailable as exc:
            self.broke_off(exc)
        except (Invalid, NotFound) as exc:
            self.refused(str(exc), life)
        lines = self.reading.finish()
        if lines.data:
            self.noticed()
            yield lines
        if self.ended is Ended.WHOLE and self.reading.complaint:
            self.refused(self.reading.complaint, life)
        if self.ended is not Ended.WHOLE:
            self.has_all = False
        elif self.reading.is_searching:
            # Rotated away; but what had all a moment ago, and finds nothing newer now, has all still.
            self.has_all = self.has_all and self.reading.came_to_nothing
        else:
            self.has_all = True

    async def read(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[LogLines, None]:
        reading, waiting = self.reading, Waiting(chunks)
        self.opened, self.failing_since = True, None
        try:
            while True:
                chunk = await self.next_of(waiting)
                if chunk == b"":
                    self.ended = Ended.WHOLE
                    return
                lines = reading.flush() if chunk is None and reading.holds_back else reading.feed(chunk or b"")
                if lines.data:
                    yield lines
                if reading.is_lost or (chunk is None and reading.is_searching):
                    self.ended = Ended.LOST
                    return
        finally:
            await waiting.aclose()

    async def next_of(self, waiting: "Waiting") -> bytes | None:
        """See Waiting.chunk. Raises Unavailable when a log that had something to say has fallen silent."""
        if self.reading.is_searching:
            return await waiting.chunk(self.timing.searching)
        if self.reading.holds_back:
            return await waiting.chunk(self.timing.unfinished)
        try:
            async with asyncio.timeout(self.timing.silence if self.brought else None):
                return await waiting.chunk(None)
        except TimeoutError as exc:
            raise Unavailable(f"the log was silent for {self.timing.silence:g} s") from exc

    def noticed(self) -> None:
        """Something new came."""
        self.brought, self.complaints = True, 0
        self.pause = self.timing.pause

    def failed(self, exc: Unavailable) -> None:
        now = asyncio.get_running_loop().time()
        self.failing_since = self.failing_since or now
        if now - self.failing_since >= self.timing.outage:
            raise exc

    def broke_off(self, exc: Unavailable) -> None:
        if self.opened and isinstance(exc.__cause__, TimeoutError):
            self.ended = Ended.LOST if self.reading.is_searching else Ended.SILENT
        else:
            self.ended = Ended.BROKEN
            self.failed(exc)

    def refused(self, words: str, life: Life) -> None:
        """The node, or the API server, has no log to give: not yet, or not any more."""
        self.ended = Ended.REFUSED
        self.complaints += 1 if life is Life.ENDED else 0
        if self.complaints >= COMPLAINTS:
            raise NotFound(words)

    async def rest(self) -> None:
        await asyncio.sleep(spread(self.pause))
        self.pause = min(self.pause * 2, self.timing.pause_most)


def spread(seconds: float) -> float:
    """Not all in one moment, where thousands of logs began in one."""
    return seconds * random.uniform(0.8, 1.2)


class Waiting:
    """For the next chunk, at most so long, without losing it when it comes later."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._next: asyncio.Future[bytes] | None = None

    async def chunk(self, seconds: float | None) -> bytes | None:
        """b"" at the end, None when the time has passed."""
        if self._next is None and seconds is None:
            return await anext(self._chunks, b"")
        if self._next is None:
            self._next = asyncio.ensure_future(anext(self._chunks, b""))
        done, _pending = await asyncio.wait([self._next], timeout=seconds)
        if not done:
            return None
        found, self._next = self._next.result(), None
        return found

    async def aclose(self) -> None:
        if self._next is not None:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)
