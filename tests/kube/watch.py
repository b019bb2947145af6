"""A watch's stream (Kubernetes API concepts, "Efficient detection of changes").

What the client meets here: 200 and then an ERROR event for a version that is too old, silence for one that is yet to
come, bookmarks, a clean end after its time."""

import asyncio
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec
from aiohttp import web

from tests.kube import errors
from tests.kube.faults import Faults
from tests.kube.partial import partial_line
from tests.kube.records import Change, ChangeType
from tests.kube.requests_seen import Info
from tests.kube.resources import Resource
from tests.kube.selectors import Selector
from tests.kube.store import Store
from tests.kube.subscriptions import Subscription

INITIAL_END = "k8s.io/initial-events-end"
SILENCE_TICK = 0.05


@dataclass(frozen=True, slots=True)
class WatchOptions:
    selector: Selector
    version: str
    bookmarks: bool
    initial: bool
    seconds: float
    partial: bool


def read_options(query: Mapping[str, str], selector: Selector, partial: bool) -> WatchOptions:
    """Raises 422 for `sendInitialEvents` without its match."""
    initial = query.get("sendInitialEvents", "")
    match = query.get("resourceVersionMatch", "")
    if initial and match != "NotOlderThan":
        text = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise errors.invalid("ListOptions", "meta.k8s.io", "", [("resourceVersionMatch", "FieldValueForbidden", text)])
    if match and not initial:
        text = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        raise errors.invalid("ListOptions", "meta.k8s.io", "", [("resourceVersionMatch", "FieldValueForbidden", text)])
    version = query.get("resourceVersion", "")
    if version and not version.isdecimal():
        raise errors.bad_request(f'invalid resource version "{version}": strconv.ParseUint')
    return WatchOptions(
        selector,
        version,
        query.get("allowWatchBookmarks") in ("true", "1"),
        initial == "true",
        float(query.get("timeoutSeconds") or 0) or random.uniform(1800, 3600),
        partial,
    )


class Watch:
    """One stream. Everything up to the subscription happens without awaiting, so that no change falls between."""

    def __init__(
        self, store: Store, faults: Faults, info: Info, resource: Resource, options: WatchOptions, bookmark: float
    ) -> None:
        self.store = store
        self.faults = faults
        self.info = info
        self.resource = resource
        self.options = options
        self.bookmark_every = bookmark
        self.over = False
        self.began = time.monotonic()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        with self.store.subscribe(self.resource.plural, initial=False) as subscription:
            self.subscription = subscription
            first = self.first()
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            try:
                await response.prepare(request)
                if first:
                    await response.write(first)
                if not self.refused:
                    await self.stream(response, subscription)
            except ConnectionError:
                pass  # the client has gone, as it may
        return response

    def end(self) -> None:
        """Cleanly, as a restart of the API server does."""
        self.over = True
        self.subscription.wake()

    @property
    def refused(self) -> bool:
        return self.error is not None

    def first(self) -> bytes:
        """What is sent at once: all there is, or all since the version; or why not."""
        self.error: errors.ApiError | None = None
        self.after = 0
        try:
            return b"".join(self.beginning())
        except errors.ApiError as exc:
            self.error = exc
            return error_line(exc)

    def beginning(self) -> Iterator[bytes]:
        if self.faults.take(self.info, "watch_gone"):
            raise errors.too_old(int(self.options.version or 0), self.store.version)
        if self.options.version in ("", "0") or self.options.initial:
            yield from self.everything()
            return
        self.after = int(self.options.version)
        for change in self.store.tables[self.resource.plural].since(self.after):
            if line := self.line(change):
                yield line
        self.after = max(self.after, self.store.version)

    def everything(self) -> Iterator[bytes]:
        for record in self.store.select(self.resource.plural, self.info.namespace, self.options.selector):
            if line := self.line(Change("ADDED", record, None)):
                yield line
        self.after = self.store.version
        if self.options.initial and self.options.bookmarks:
            yield self.bookmark({INITIAL_END: "true"})

    async def stream(self, response: web.StreamResponse, subscription: Subscription) -> None:
        next_bookmark = time.monotonic() + self.bookmark_every
        while not self.over and (left := self.left()) > 0:
            if self.faults.look(self.info, "silence"):
                await asyncio.sleep(SILENCE_TICK)
                continue
            chunk = b"".join(filter(None, map(self.line, subscription.drain())))
            if self.options.bookmarks and time.monotonic() >= next_bookmark:
                chunk += self.bookmark({})
                next_bookmark = time.monotonic() + self.bookmark_every
            if chunk:
                await response.write(chunk)
            if not subscription.pending:
                await subscription.wait(max(0.0, min(left, next_bookmark - time.monotonic())))

    def left(self) -> float:
        fault = self.faults.look(self.info, "watch_eof")
        seconds = min(self.options.seconds, fault.seconds) if fault else self.options.seconds
        return self.began + seconds - time.monotonic()

    def line(self, change: Change) -> bytes:
        """Empty for what is not to be seen: before the version, of another namespace, or not selected."""
        if change.rv <= self.after or (self.info.namespace and change.key[0] != self.info.namespace):
            return b""
        kind = self.kind_of(change)
        if kind is None:
            return b""
        return partial_line(change, kind) if self.options.partial else change.line(kind)

    def kind_of(self, change: Change) -> ChangeType | None:
        """An object that begins or ceases to be selected comes and goes."""
        record, old = change.record, change.old
        selector = self.options.selector
        is_in = change.type != "DELETED" and selector.matches(record.labels, record.fields)
        was_in = old is not None and selector.matches(old.labels, old.fields)
        if is_in:
            return "MODIFIED" if was_in else "ADDED"
        return "DELETED" if was_in else None

    def bookmark(self, annotations: Mapping[str, str]) -> bytes:
        metadata: dict[str, object] = {"resourceVersion": str(self.store.version), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        obj = {"kind": self.resource.kind, "apiVersion": self.resource.api_version, "metadata": metadata}
        return msgspec.json.encode({"type": "BOOKMARK", "object": obj}) + b"\n"


def error_line(exc: errors.ApiError) -> bytes:
    return msgspec.json.encode({"type": "ERROR", "object": exc.status()}) + b"\n"
