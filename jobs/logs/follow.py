"""Following a log: what was written since a cursor, and then what is being written, until its end.

Nothing is lost and nothing comes twice: each chunk says where the next one begins. Reads happen in the event loop:
256 KiB take 0.03 ms, and a few ms at worst from a cold disk, where a thread would cost 0.1 ms each time; between two of
them everybody else has a turn. Only the search for the beginning, which may go through much of a large log, is sent to
a thread.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, closing
from dataclasses import dataclass, replace

from jobs.logs.notify import Subscription, notifier
from jobs.logs.selection import BLOCK, Query, is_line_start, start_of
from jobs.logs.store import LogKey, LogNotFound, LogStore, PodLog
from jobs.logs.text import NEWLINE, rendered, valid, whole_characters, whole_lines

READ = 256 << 10  # a quarter of it where each line is looked at; with a keyword, a longer line counts as several
QUIET_SECONDS = 1.0  # how long nothing came before is_over is asked, and a chunk without data is given
OVER_TWICE = 2  # so many times in a row: what was written just before the end may show just after it

IsOver = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Valid UTF-8, and the cursor that goes on after it. Without data it says that nothing came for a while."""

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


class Tail:
    """Reads on from a cursor, a step at a time, as the query wants it shown."""

    def __init__(self, log: PodLog, query: Query, cursor: int, read_bytes: int = READ) -> None:
        self.log = log
        self.query = query
        self.cursor = cursor
        self._plain = not (query.timestamps or query.keyword)
        self._most = read_bytes if self._plain else read_bytes // 4
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
        query, size = self.query, self._most
        if query.timestamps and not finished:
            size = min(size, self.log.timed_size() - self.cursor)
        data = self.log.read(self.cursor, size) if size > 0 else b""
        if not (query.keyword or query.whole_lines):
            return data
        whole = data.rfind(NEWLINE) + 1 if query.keyword else whole_lines(data)
        # The rest of a line is waited for, unless it never comes or is longer than what is read at once.
        return data[:whole] if whole or not (finished or len(data) >= self._most) else data


async def follow(
    store: LogStore, key: LogKey, query: Query, is_over: IsOver, *, read_bytes: int = READ
) -> AsyncGenerator[Chunk, None]:
    """Chunks until the log is complete, or is_over has said so while nothing came, or limit_bytes are reached. Waits
    for a pod that has not started: all that it writes then is new, so tail_lines leaves nothing out. While nothing
    comes, a chunk without data about every second lets the caller see to other things. A chunk is of at most read_bytes
    of the log."""
    quiet = Quiet(is_over)
    async with notifier().subscribe(store.watch_path(key)) as subscription:
        waited = False
        while (log := existing(store, key)) is None:
            if quiet.is_final:
                return
            waited = True
            if await quiet.lasts():
                yield Chunk(b"", query.cursor or 0)
            else:
                await subscription.wait()
        with closing(log):
            if waited:
                query = replace(query, tail_lines=None)
            tail = Tail(log, query, await beginning(log, query), read_bytes)
            async with aclosing(limited(chunks(tail, subscription, quiet), query.limit_bytes)) as found:
                async for chunk in found:
                    yield chunk


def existing(store: LogStore, key: LogKey) -> PodLog | None:
    try:
        return store.open(key)
    except LogNotFound:
        return None


async def beginning(log: PodLog, query: Query) -> int:
    size = log.size()
    if size <= BLOCK or (query.tail_lines is None and query.since_ns is None):
        return start_of(log, query, size)
    return await asyncio.to_thread(start_of, log, query, size)


async def chunks(tail: Tail, subscription: Subscription, quiet: Quiet) -> AsyncGenerator[Chunk, None]:
    while True:
        chunk = tail.step(finished=False)
        if chunk is None:
            # First whether this is the end, then what is there: the other way round, bytes could come in between.
            finished = tail.log.is_complete() or quiet.is_final
            chunk = tail.step(finished=finished)
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
                yield Chunk(whole_characters(chunk.data[:limit])[0], chunk.cursor)
                return
            limit = None if limit is None else limit - len(chunk.data)
            yield chunk
