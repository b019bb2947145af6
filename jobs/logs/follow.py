"""Following a log: what was written since a cursor, and then what is being written, until its end.

Nothing is lost and nothing comes twice: each chunk says where the next one begins. All followers of a pod share its
open files, and the chunks that several of them need (shared.py). Between two chunks everybody else has a turn.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace

from jobs.logs import gaps
from jobs.logs.notify import Subscription, notifier
from jobs.logs.selection import Query
from jobs.logs.shared import SharedLog, open_logs
from jobs.logs.store import LogKey, LogNotFound, LogStore
from jobs.logs.tail import READ, Chunk, Tail
from jobs.logs.text import whole_characters

QUIET_SECONDS = 1.0  # how long nothing came before is_over is asked, and a chunk without data is given
REGROWS_SECONDS = 10.0  # a fetched log may be cut back by a few lines and fetched again, after a crash of its writer
OVER_TWICE = 2  # so many times in a row: what was written just before the end may show just after it

IsOver = Callable[[], Awaitable[bool]]


class Quiet:
    """Asks is_over when nothing came for a while, and again after the same while."""

    def __init__(self, is_over: IsOver) -> None:
        self._is_over = is_over
        self._answers = 0
        self._began = self._since = asyncio.get_running_loop().time()

    def broken(self) -> None:
        self._answers = 0
        self._began = self._since = asyncio.get_running_loop().time()

    def lasted(self) -> float:
        """Seconds without anything."""
        return asyncio.get_running_loop().time() - self._began

    async def lasts(self) -> bool:
        """Whether another while has gone by since this was last true."""
        now = asyncio.get_running_loop().time()
        if now - self._since < QUIET_SECONDS:
            return False
        self._answers = self._answers + 1 if await self._is_over() else 0
        self._since = now
        return True

    @property
    def is_final(self) -> bool:
        return self._answers >= OVER_TWICE


async def follow(
    store: LogStore, key: LogKey, query: Query, is_over: IsOver, *, read_bytes: int = READ
) -> AsyncGenerator[Chunk, None]:
    """Chunks until the log is complete, or is_over has said so while nothing came, or limit_bytes are reached. Waits
    for a pod that has not started: all that it writes then is new, so tail_lines leaves nothing out. While nothing
    comes, a chunk without data about every second lets the caller see to other things. A chunk is of at most read_bytes
    of the log. A gap, such as a line of the platform's own, is a chunk by itself."""
    quiet = Quiet(is_over)
    async with notifier().subscribe(store.watch_path(key)) as subscription, AsyncExitStack() as stack:
        waited = False
        while (log := await existing(stack, store, key)) is None:
            if quiet.is_final:
                if query.cursor:
                    yield nothing_left(query.cursor)
                return
            waited = True
            if await quiet.lasts():
                yield Chunk(b"", query.cursor or 0)
            else:
                await subscription.wait()
        tail = await log.tail(replace(query, tail_lines=None) if waited else query, read_bytes)
        async with aclosing(limited(chunks(log, tail, subscription, quiet), query.limit_bytes)) as found:
            async for chunk in found:
                yield chunk


async def existing(stack: AsyncExitStack, store: LogStore, key: LogKey) -> SharedLog | None:
    """The log, open as long as the stack is."""
    try:
        return await stack.enter_async_context(open_logs().open(store, key))
    except LogNotFound:
        return None


def nothing_left(cursor: int) -> Chunk:
    gap = gaps.lost(cursor, 0)
    return Chunk(gap.line, 0, gap)


async def chunks(log: SharedLog, tail: Tail, subscription: Subscription, quiet: Quiet) -> AsyncGenerator[Chunk, None]:
    while True:
        chunk = await log.step(tail, finished=False)
        if chunk is None:
            # First whether this is the end, then what is there: the other way round, bytes could come in between.
            finished = await log.is_complete() or quiet.is_final
            chunk = await log.step(tail, finished=finished)
            if chunk is None and (finished or quiet.lasted() > REGROWS_SECONDS):
                chunk = await log.lose(tail)
            if chunk is None and finished:
                return
        if chunk is not None:
            quiet.broken()
            yield chunk
            await asyncio.sleep(0)
        elif await quiet.lasts():
            yield Chunk(b"", tail.cursor)
        else:
            await subscription.wait()


async def limited(chunks: AsyncGenerator[Chunk, None], limit: int | None) -> AsyncGenerator[Chunk, None]:
    """The first `limit` bytes, to the last whole character."""
    async with aclosing(chunks):
        async for chunk in chunks:
            if limit is not None and len(chunk.data) >= limit:
                yield replace(chunk, data=whole_characters(chunk.data[:limit])[0])
                return
            limit = None if limit is None else limit - len(chunk.data)
            yield chunk
