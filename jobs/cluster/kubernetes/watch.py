"""List and watch of one resource, for as long as anybody listens: what a cluster does becomes hints.

    list, in pages ──→ watch from the list's version ──→ ended in time: watch on from the last version
      ↑                       │  failed, or ended at once: a pause, then the same
      └── too old (410), or ten minutes later

A watch is a hint and not to be trusted (R10). It is given a time to end by the server, and a read timeout above that
time, which notices a connection that is dead. A version that is too old is answered by HTTP 410, or by 200 and an ERROR
event (Kubernetes API concepts, "Efficient detection of changes"); then all is listed again, and what a list shows to
be changed, new or gone is told like what a watch shows. Nothing ends this but its cancellation; how often a server is
asked, pace.py says. One task runs a reflector.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from jobs.cluster.base import Hint
from jobs.cluster.errors import ClusterError, Unavailable
from jobs.cluster.kubernetes import wire
from jobs.cluster.kubernetes.aclient import LARGEST_LINE, AsyncClient, NotConnected, split
from jobs.cluster.kubernetes.cache import Cache
from jobs.cluster.kubernetes.errors import Expired, of_status
from jobs.cluster.kubernetes.followed import Followed
from jobs.cluster.kubernetes.pace import Pace
from jobs.cluster.kubernetes.trouble import Trouble

T = TypeVar("T")
logger = logging.getLogger(__name__)

PAGE = 500
STUCK = 5  # watches in a row that broke off before a word was understood: a list steps over what cannot be
RESTLESS = 3  # watches in a row that ended at once: worth a word in the log


@dataclass(slots=True)
class Reflector:
    client: AsyncClient
    followed: Followed[Any]
    pace: Pace = field(default_factory=Pace)
    cache: Cache = field(init=False)
    trouble: Trouble = field(init=False)
    version: str = ""  # "": to be listed
    broken: int = 0  # watches that broke off in a row, with no word understood in between
    seen_at: datetime | None = None
    unreadable: bool = False

    def __post_init__(self) -> None:
        self.cache = Cache(self.followed.vanished)
        where = self.client.access.options.kubeconfig or "the platform's own cluster"
        self.trouble = Trouble(f"{self.followed.name} of {where}")

    async def hints(self) -> AsyncIterator[Hint]:
        """Never ends by itself."""
        while True:
            try:
                if not self.version or self.pace.relist_is_due(time.monotonic()):
                    async for hint in self.list_all():
                        yield hint
                async for hint in self.watch():
                    yield hint
            except ClusterError as exc:
                await self.failed(exc)
            except Exception as exc:  # a watch must never end for good (R10): logged, and gone on with
                logger.exception("The watch of %s failed by a fault of the platform's own", self.followed.name)
                await self.failed(exc)

    async def failed(self, exc: Exception) -> None:
        if isinstance(exc, Expired) or self.broken >= STUCK:
            self.version, self.broken = "", 0
        self.trouble.met(exc, "It is listed anew" if not self.version else "It goes on from where it was")
        await asyncio.sleep(self.pace.missed())

    async def list_all(self) -> AsyncIterator[Hint]:
        """What a complete list shows to be new, changed or gone. When it fails, the watch goes on as it was."""
        await asyncio.sleep(self.pace.until_list(time.monotonic()))
        self.pace.listing(time.monotonic())
        self.cache.begin_list()
        after = ""
        while True:
            page = await self.page(after)
            for raw in page.items:
                if hint := self.listed(raw):
                    yield hint
            after = page.metadata.next
            if not after:
                break
        for hint in self.cache.end_list():
            yield hint
        self.version = page.metadata.resource_version

    def listed(self, raw: msgspec.Raw) -> Hint | None:
        found = self.read(raw)
        if found is None:
            self.cache.of_list_unread(wire.decode(raw, wire.Object).metadata)
            return None
        try:
            seen = self.followed.seen(found, self.cache.kept.get(self.followed.key(found)))
        except Exception:
            logger.exception("%s among the %s cannot be made sense of", found.metadata.name, self.trouble.what)
            self.cache.of_list_unread(found.metadata)
            return None
        return self.cache.of_list(seen) if seen else None

    async def page(self, after: str) -> wire.List[msgspec.Raw]:
        query = [("limit", str(PAGE)), *self.selection(), *([("continue", after)] if after else [])]
        try:
            body = await self.client.get(self.path(), query)
        except NotConnected:
            if not after:
                self.pace.not_asked()
            raise
        except ClusterError:
            self.pace.answered(time.monotonic())
            raise
        self.pace.answered(time.monotonic())
        page = wire.decode(body, wire.List[msgspec.Raw])
        if not page.metadata.resource_version:
            raise Unavailable(f"a list of {self.followed.name} without a version")
        self.heard()
        return page

    async def watch(self) -> AsyncIterator[Hint]:
        """Until the server ends it."""
        seconds = self.pace.watch_seconds()
        query = [
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", self.version),
            ("timeoutSeconds", str(seconds)),
            *self.selection(),
        ]
        patience = seconds + self.pace.timing.margin
        async with self.client.stream(self.path(), query, read_seconds=patience) as chunks:
            began = time.monotonic()
            self.seen_at = datetime.now(UTC)
            try:
                async with aclosing(split(chunks, LARGEST_LINE)) as lines:
                    async for line in lines:
                        if hint := self.event(line):
                            yield hint
            except Exception:
                self.broken += 1
                raise
            finally:
                lived = time.monotonic() - began >= self.pace.timing.short
                if lived:
                    self.pace.worked()
        await self.ended(lived)

    async def ended(self, lived: bool) -> None:
        """As it should, after its time, or at once, as a server that goes down ends it."""
        if lived:
            self.trouble.over()
            return
        if self.pace.misses >= RESTLESS:
            self.trouble.met(EndedAtOnce("the watch is ended at once, again and again"), "It goes on from where it was")
        await asyncio.sleep(self.pace.missed())

    def event(self, line: bytes) -> Hint | None:
        if not line.endswith(b"\n"):
            raise Unavailable("the watch was cut in the middle of an event")
        told = wire.decode(line, wire.WatchEvent)
        if told.type == "ERROR":
            raise of_status(bytes(told.object)) or Unavailable("the watch was ended by an error that nobody explained")
        found = self.read(told.object) if told.type != "BOOKMARK" else None
        self.version = (found or wire.decode(told.object, wire.Object)).metadata.resource_version or self.version
        self.heard()
        return self.news(told.type, found) if found else None

    def news(self, kind: str, found: Any) -> Hint | None:
        kept = self.cache.kept.get(self.followed.key(found))
        if kind == "DELETED":
            self.cache.remove(self.followed.key(found))
            return self.followed.deleted(found, kept)
        seen = self.followed.seen(found, kept) if kind in ("ADDED", "MODIFIED") else None
        return self.cache.put(seen) if seen else None

    def read(self, raw: msgspec.Raw) -> Any | None:
        """None for an object that is not understood: it must not keep the others from being seen (R12)."""
        try:
            return wire.decode(raw, self.followed.kind)
        except Unavailable as exc:
            if not self.unreadable:
                logger.warning("An object among the %s cannot be read, and is passed over: %s", self.trouble.what, exc)
            self.unreadable = True
            return None

    def heard(self) -> None:
        """The server spoke, and was understood."""
        self.broken = 0
        self.seen_at = datetime.now(UTC)

    def path(self) -> str:
        try:
            return self.followed.path(self.client.access.namespace())
        except Unavailable as exc:
            raise NotConnected(str(exc)) from exc

    def selection(self) -> list[tuple[str, str]]:
        return [("labelSelector", self.followed.selector)] if self.followed.selector else []


class EndedAtOnce(Unavailable):
    """No error, but no watch either."""
