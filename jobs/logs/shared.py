"""One open log for all its followers in an event loop, and the chunks that the last of them were given.

Followers of a pod are mostly at the same place, its end. The first to get there reads and renders; the others are given
the same chunk. Who is elsewhere reads for himself from the same open files, so nobody waits for anybody, and what is
kept is bounded for all logs together. Belongs to one event loop and its thread.

What is still being written is on this machine's disk, and is read in the event loop: 256 KiB take 0.03 ms, where a
thread would cost 0.1 ms each time. A log that is complete may be compressed, or far away: it is read in a thread. A
lock keeps a log to one of them at a time.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from jobs.logs.selection import BLOCK, Query, start_of
from jobs.logs.store import LogKey, LogStore, PodLog
from jobs.logs.tail import Chunk, Place, Tail

RECENT_BYTES = 8 << 20  # kept of the last chunks of all logs, as they were made and as they were sent
NUMBERS = count()
OVERHEAD = 1 << 10  # what a chunk takes beside its data

P = ParamSpec("P")
T = TypeVar("T")


class Recent:
    """The last chunks, by log and place."""

    def __init__(self) -> None:
        self._chunks: OrderedDict[tuple[int, Place], tuple[Chunk, Place]] = OrderedDict()
        self._size = 0

    def get(self, log: int, place: Place) -> tuple[Chunk, Place] | None:
        return self._chunks.get((log, place))

    def put(self, log: int, place: Place, chunk: Chunk, after: Place) -> None:
        if (log, place) in self._chunks:
            return
        self._chunks[log, place] = chunk, after
        self._size += weight(chunk)
        while self._size > RECENT_BYTES:
            self._size -= weight(self._chunks.popitem(last=False)[1][0])

    def clear(self) -> None:
        self._chunks.clear()
        self._size = 0


def weight(chunk: Chunk) -> int:
    return 2 * len(chunk.data) + OVERHEAD


class SharedLog:
    """Raises what the log's own methods raise."""

    def __init__(self, store: LogStore, key: LogKey, recent: Recent) -> None:
        self.users = 0
        self.log: PodLog | None = None
        self._number = next(NUMBERS)
        self._store, self._key = store, key
        self._recent = recent
        self._lock = asyncio.Lock()
        self._is_complete = False

    async def open(self) -> None:
        """Raises LogNotFound."""
        async with self._lock:
            if self.log is None:
                await in_thread(self._open)

    def _open(self) -> None:
        self.log = self._store.open(self._key)
        self._is_complete = self.log.is_complete()

    def close(self) -> None:
        if self.log is not None:
            self.log.close()

    async def tail(self, query: Query, read_bytes: int) -> Tail:
        """From where the query begins, which may be a search through much of a large log."""
        assert self.log is not None
        is_search = query.cursor is None and (query.tail_lines, query.since_ns) != (None, None)
        if is_search and not self._is_complete and self.log.size() > BLOCK:
            async with self._lock:
                return await in_thread(self._begin, query, read_bytes)
        return await self._run(self._begin, query, read_bytes)

    def _begin(self, query: Query, read_bytes: int) -> Tail:
        """A cursor is taken as it is: a log that ends before it may yet grow to it."""
        assert self.log is not None
        begin = start_of(self.log, query, self.log.size()) if query.cursor is None else query.cursor
        return Tail(self.log, query, begin, read_bytes)

    async def is_complete(self) -> bool:
        """Nothing more will come. Ask first, read afterwards: only then is all of it read."""
        assert self.log is not None
        self._is_complete = await self._run(self.log.is_complete)
        return self._is_complete

    async def step(self, tail: Tail, *, finished: bool) -> Chunk | None:
        """As Tail.step."""
        if (chunk := self._known(tail)) is not None:
            return chunk
        async with self._lock:
            # Whoever held the lock may have been at the same place.
            return self._known(tail) or await self._step(tail, finished=finished)

    def _known(self, tail: Tail) -> Chunk | None:
        place = tail.place
        known = self._recent.get(self._number, place) if place is not None else None
        return None if known is None else tail.take(*known)

    async def _step(self, tail: Tail, *, finished: bool) -> Chunk | None:
        place = tail.place
        chunk = await self._call(tail.step, finished=finished)
        if place is not None and chunk is not None and self.users > 1 and not finished:
            self._recent.put(self._number, place, chunk, tail.place or place)
        return chunk

    async def lose(self, tail: Tail) -> Chunk | None:
        """As Tail.lose, when the cursor is past the log's end."""
        return await self._run(lambda: tail.lose() if tail.is_ahead() else None)

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._lock:
            return await self._call(function, *args, **kwargs)

    async def _call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """With the lock held."""
        if self._is_complete:
            return await in_thread(function, *args, **kwargs)
        return function(*args, **kwargs)


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """To its end, even when cancelled meanwhile: what it uses may be closed next."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    finally:
        if not work.done():
            await asyncio.wait([work])


class OpenLogs:
    def __init__(self) -> None:
        self._logs: dict[Path, SharedLog] = {}
        self._recent = Recent()

    @asynccontextmanager
    async def open(self, store: LogStore, key: LogKey) -> AsyncIterator[SharedLog]:
        """Raises LogNotFound."""
        path = store.watch_path(key)
        shared = self._logs.setdefault(path, SharedLog(store, key, self._recent))
        shared.users += 1
        try:
            await shared.open()
            yield shared
        finally:
            shared.users -= 1
            if not shared.users:
                del self._logs[path]
                shared.close()
            if not self._logs:
                self._recent.clear()


_open_logs: WeakKeyDictionary[asyncio.AbstractEventLoop, OpenLogs] = WeakKeyDictionary()


def open_logs() -> OpenLogs:
    """The running loop's."""
    return _open_logs.setdefault(asyncio.get_running_loop(), OpenLogs())
