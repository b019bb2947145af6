"""Following a log: what was written since a cursor, and then what is being written, until its end.

Nothing is lost and nothing comes twice: each chunk says where the next one begins. Reads are small, mostly from the
page cache, and happen in the event loop; between two of them everybody else has a turn. Only the search for the
beginning, which may go through much of a large log, is sent to a thread.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, replace

from jobs.logs.notify import Subscription, notifier
from jobs.logs.selection import BLOCK, Query, is_line_start, start_of
from jobs.logs.store import LogKey, LogNotFound, LogStore, PodLog
from jobs.logs.text import NEWLINE, rendered, valid, whole_characters

READ = 256 << 10
READ_LINES = 64 << 10  # where each line is looked at; with a keyword, a longer line counts as several
QUIET_SECONDS = 1.0  # how long nothing came before is_over is asked
OVER_TWICE = 2  # so many times in a row: what was written just before the end may show just after it

IsOver = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Valid UTF-8, and the cursor that goes on after it."""

    data: bytes
    cursor: int


class Quiet:
    """Asks is_over when nothing came for a while, and again after the same while."""

    def __init__(self, is_over: IsOver) -> None:
        self._is_over = is_over
        self._answers = 0
        self._since = asyncio.get_running_loop().time()

    def broken(self) -> None:
        self._answers, self._since = 0, asyncio.get_running_loop().time()

    async def is_final(self) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._since >= QUIET_SECONDS:
            self._since = now
            self._answers = self._answers + 1 if await self._is_over() else 0
        return self._answers >= OVER_TWICE


class Tail:
    """Reads on from a cursor, a step at a time, as the query wants it shown."""

    def __init__(self, log: PodLog, query: Query, cursor: int) -> None:
        self.log = log
        self.query = query
        self.cursor = cursor
        self._plain = not (query.timestamps or query.keyword)
        self._at_line_start = query.timestamps and is_line_start(log, cursor)

    def step(self, *, finished: bool) -> Chunk | None:
        """What is there now; its data may be empty when no line has the keyword. None when there is nothing to go on
        with yet. `finished`: nothing more will come, so what is not whole is taken as it is."""
        data = self._read(finished=finished)
        text, used = whole_characters(data)
        if not used:
            if not data or not finished:
                return None
            text, used = data.decode(errors="replace").encode(), len(data)
        offset, self.cursor = self.cursor, self.cursor + used
        if not self._plain:
            text = self._render(offset, data[:used])
        return Chunk(text, self.cursor)

    def _render(self, offset: int, data: bytes) -> bytes:
        query, at_line_start = self.query, self._at_line_start
        self._at_line_start = data.endswith(NEWLINE)
        return valid(
            rendered(
                self.log,
                offset,
                data,
                at_line_start=at_line_start,
                timestamps=query.timestamps,
                keyword=query.keyword,
            )
        )

    def _read(self, *, finished: bool) -> bytes:
        if self._plain:
            return self.log.read(self.cursor, READ)
        size = READ_LINES
        if self.query.timestamps and not finished:
            size = min(size, self.log.timed_size() - self.cursor)
        data = self.log.read(self.cursor, size) if size > 0 else b""
        if self.query.keyword and not finished and len(data) < READ_LINES:
            return data[: data.rfind(NEWLINE) + 1]
        return self._whole_lines(data) if self.query.keyword else data

    @staticmethod
    def _whole_lines(data: bytes) -> bytes:
        """Up to the last newline, all of it when there is none."""
        return data[: data.rfind(NEWLINE) + 1] or data


async def follow(store: LogStore, key: LogKey, query: Query, is_over: IsOver) -> AsyncGenerator[Chunk, None]:
    """Chunks until the log is complete, or is_over has said so while nothing came, or limit_bytes are reached. Waits
    for a pod that has not started: all that it writes then is new, so tail_lines leaves nothing out."""
    quiet = Quiet(is_over)
    async with notifier().subscribe(store.watch_path(key)) as subscription:
        log, waited = await opened(store, key, subscription, quiet)
        if log is None:
            return
        with closing(log):
            if waited:
                query = replace(query, tail_lines=None)
            tail = Tail(log, query, await beginning(log, query))
            left = query.limit_bytes
            while chunk := await step(tail, subscription, quiet):
                if left is not None and len(chunk.data) >= left:
                    if last := whole_characters(chunk.data[:left])[0]:
                        yield Chunk(last, chunk.cursor)
                    return
                left = None if left is None else left - len(chunk.data)
                if chunk.data:
                    yield chunk


async def opened(store: LogStore, key: LogKey, subscription: Subscription, quiet: Quiet) -> tuple[PodLog | None, bool]:
    """The log, and whether it had to be waited for; None when the pod is over and never wrote anything."""
    waited = False
    while True:
        final = await quiet.is_final()
        try:
            return store.open(key), waited
        except LogNotFound:
            if final:
                return None, waited
        waited = True
        await subscription.wait()


async def beginning(log: PodLog, query: Query) -> int:
    size = log.size()
    if size <= BLOCK or (query.tail_lines is None and query.since_ns is None):
        return start_of(log, query, size)
    return await asyncio.to_thread(start_of, log, query, size)


async def step(tail: Tail, subscription: Subscription, quiet: Quiet) -> Chunk | None:
    """The next chunk, as soon as there is one; None at the end."""
    while True:
        chunk = tail.step(finished=False)
        if chunk is None:
            # First whether this is the end, then what is there: the other way round, bytes could come in between.
            finished = tail.log.is_complete() or await quiet.is_final()
            chunk = tail.step(finished=finished)
            if chunk is None and finished:
                return None
        if chunk is not None:
            quiet.broken()
            await asyncio.sleep(0)
            return chunk
        await subscription.wait()
