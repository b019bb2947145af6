"""Changes as they happen, for the watches of clients and for the controllers."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Self

from tests.kube.records import Change


class Subscription:
    """Endless until closed. For one reader, in the store's event loop."""

    def __init__(self, forget: Callable[["Subscription"], None]) -> None:
        self.pending: deque[Change] = deque()
        self.woken = asyncio.Event()
        self.forget = forget
        self.closed = False

    def push(self, change: Change) -> None:
        self.pending.append(change)
        self.woken.set()

    def drain(self) -> list[Change]:
        """All that is pending, in order."""
        changes = list(self.pending)
        self.pending.clear()
        self.woken.clear()
        return changes

    async def wait(self, seconds: float | None = None) -> None:
        """Until something is pending, or the reader is woken, or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self.woken.wait()
        except TimeoutError:
            pass

    def wake(self) -> None:
        self.woken.set()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.forget(self)
        self.woken.set()

    def __aiter__(self) -> AsyncIterator[Change]:
        return self.each()

    async def each(self) -> AsyncIterator[Change]:
        while not self.closed:
            if self.pending:
                yield self.pending.popleft()
                continue
            self.woken.clear()
            await self.woken.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
