"""Keys to be looked at, each once however often it is named, some of them later (client-go/util/workqueue)."""

import asyncio

from tests.kube.records import Key

BATCH = 50


class WorkQueue:
    def __init__(self) -> None:
        self.ready: dict[Key, None] = {}
        self.later: dict[Key, asyncio.TimerHandle] = {}
        self.woken = asyncio.Event()

    def add(self, key: Key) -> None:
        if handle := self.later.pop(key, None):
            handle.cancel()
        self.ready[key] = None
        self.woken.set()

    def add_after(self, key: Key, seconds: float) -> None:
        """The soonest of several counts."""
        loop = asyncio.get_running_loop()
        if seconds <= 0:
            self.add(key)
        elif key not in self.ready:
            earlier = self.later.get(key)
            if earlier and earlier.when() <= loop.time() + seconds:
                return
            if earlier:
                earlier.cancel()
            self.later[key] = loop.call_later(seconds, self.add, key)

    async def take(self) -> list[Key]:
        """Some keys; other tasks have their turn before."""
        await asyncio.sleep(0)
        while not self.ready:
            self.woken.clear()
            await self.woken.wait()
        keys = list(self.ready)[:BATCH]
        for key in keys:
            del self.ready[key]
        return keys

    def close(self) -> None:
        for handle in self.later.values():
            handle.cancel()
        self.later.clear()
