"""Who wants to know when a file changes is woken: one inotify instance for each event loop, shared by all followers.

A wake-up is a hint. A follower looks again at least every second whatever happens, so a lost one costs a second. Where
the system has no inotify, or has run out of it, followers look every 20 ms instead.

A subscription may be for a file that is not there yet: it then watches the nearest directory above it that is, and
moves down as they appear. All of this runs in the event loop's thread alone; only the import of asyncinotify, which
starts a process to find libc, is sent to another one.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

logger = logging.getLogger(__name__)

WATCHED_POLL_SECONDS = 1.0
UNWATCHED_POLL_SECONDS = 0.02


class Subscription:
    """One follower's interest in one path."""

    def __init__(self, notifier: "Notifier", path: Path, told: Callable[[], None] | None = None) -> None:
        self.path = path
        self._told = told
        self.at: Path | None = None  # what is watched for it: the path, a directory above it, or nothing
        self._notifier = notifier
        self._changed = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def awaited_name(self) -> str:
        """What has to appear in the directory that is watched instead of the path."""
        assert self.at is not None
        return self.path.relative_to(self.at).parts[0]

    def wake(self) -> None:
        self._changed = True
        if self._told is not None:
            self._told()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def look_again(self) -> None:
        """To be called now and then, and whenever woken, by who does not wait() here."""
        if self.at != self.path:
            self._notifier.attach(self)

    @property
    def poll_seconds(self) -> float:
        """How often to look again whatever happens."""
        return UNWATCHED_POLL_SECONDS if self.at is None else WATCHED_POLL_SECONDS

    async def wait(self, seconds: float = WATCHED_POLL_SECONDS) -> None:
        """Until the path may have changed since the last call, or at most so long."""
        self.look_again()
        if not self._changed:
            await self._park(min(seconds, self.poll_seconds))
        self._changed = False

    async def _park(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(seconds, self._expire)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _expire(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Notifier:
    def __init__(self) -> None:
        self._users = 0
        self._library: ModuleType | None = None
        self._inotify: Any = None
        self._pump: asyncio.Task[None] | None = None
        self._watches: dict[Path, Any] = {}
        self._subscribers: dict[Path, set[Subscription]] = {}

    @asynccontextmanager
    async def subscribe(self, path: Path, told: Callable[[], None] | None = None) -> AsyncIterator[Subscription]:
        """What changes after this begins is not missed. `told` is called, soon after each change, for who waits for
        many paths at once."""
        self._users += 1
        subscription = Subscription(self, path, told)
        try:
            await self._start()
            self.attach(subscription)
            yield subscription
        finally:
            self._detach(subscription)
            self._users -= 1
            if not self._users:
                self._stop()

    def attach(self, subscription: Subscription) -> None:
        """Watch the subscription's path, or what is there of it; wakes it when that is something else than before."""
        before = subscription.at
        self._detach(subscription)
        target: Path | None = subscription.path
        while target is not None:
            target = self._watch_nearest(subscription, target)
        if subscription.at != before:
            subscription.wake()

    def _watch_nearest(self, subscription: Subscription, target: Path) -> Path | None:
        """One try, at `target`. Answers where to try next: the directory above a path that is not there, or further
        down again when the next part of the path appeared before the watch was set."""
        found = self._watch(target, is_directory=target != subscription.path)
        if found is None:
            return None
        if not found:
            return target.parent if target.parent != target else None
        self._subscribers.setdefault(target, set()).add(subscription)
        subscription.at = target
        if target == subscription.path or not (target / subscription.awaited_name).exists():
            return None
        below = target / subscription.awaited_name
        self._detach(subscription)
        return below

    def _watch(self, path: Path, *, is_directory: bool) -> bool | None:
        """Whether the path is there, None when nothing can be watched."""
        if self._inotify is None or self._library is None:
            return None
        if path in self._watches:
            return True
        mask = self._library.Mask
        wanted = mask.CREATE | mask.MOVED_TO | mask.ONLYDIR if is_directory else mask.MODIFY
        try:
            self._watches[path] = self._inotify.add_watch(path, wanted)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as exc:
            logger.warning("log followers look every 20 ms: no inotify watch for %s: %s", path, exc)
            return None
        return True

    def _detach(self, subscription: Subscription) -> None:
        path, subscription.at = subscription.at, None
        others = self._subscribers.get(path) if path else None
        if path is None or others is None:
            return
        others.discard(subscription)
        if not others:
            del self._subscribers[path]
            if watch := self._watches.pop(path, None):
                self._unwatch(watch)

    def _unwatch(self, watch: Any) -> None:
        try:
            self._inotify.rm_watch(watch)
        except (OSError, ValueError):
            return  # gone with its file, or with the whole instance when the loop ends

    async def _start(self) -> None:
        if self._library is None:
            self._library = await asyncio.to_thread(load_library)
        if self._library is None or self._inotify is not None:
            return
        try:
            self._inotify = self._library.Inotify(cache_size=64)
        except OSError as exc:
            logger.warning("log followers look every 20 ms: inotify cannot be used: %s", exc)
            return
        self._pump = asyncio.create_task(self._deliver(self._inotify), name="inotify")

    def _stop(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
        self._pump, self._inotify = None, None
        self._watches.clear()

    async def _deliver(self, inotify: Any) -> None:
        # Closed here, after get() has taken the descriptor out of the loop: closed earlier, its number could be
        # another file's by then.
        with closing(inotify):
            try:
                while True:
                    event = await inotify.get()
                    if event.watch is None:  # the kernel's queue overflowed: anything may have changed
                        self._wake_all()
                    else:
                        self._on_event(event)
            except OSError as exc:
                logger.warning("log followers look every 20 ms: inotify failed: %s", exc)
            finally:
                if self._inotify is inotify:
                    self._give_up()

    def _give_up(self) -> None:
        """Everybody polls from now on, until there is nobody and then somebody again."""
        self._inotify = self._pump = None
        self._watches.clear()
        orphans = [one for some in self._subscribers.values() for one in some]
        self._subscribers.clear()
        for subscription in orphans:
            subscription.at = None
            subscription.wake()

    def _wake_all(self) -> None:
        for subscription in [one for some in self._subscribers.values() for one in some]:
            subscription.wake()

    def _on_event(self, event: Any) -> None:
        path = event.watch.path
        if event.mask & self._library.Mask.IGNORED:  # type: ignore[union-attr]  # no event without the library
            self._forget(path, event.watch)
            return
        name = str(event.name) if event.name else ""
        for subscription in tuple(self._subscribers.get(path, ())):
            if subscription.path == path or subscription.awaited_name == name:
                subscription.wake()

    def _forget(self, path: Path, watch: Any) -> None:
        """The kernel dropped the watch: we asked it to, or what was watched is gone."""
        if self._watches.get(path) is not watch:
            return
        del self._watches[path]
        for subscription in self._subscribers.pop(path, set()):
            subscription.at = None
            subscription.wake()


def load_library() -> ModuleType | None:
    """asyncinotify; None where the system has no inotify (it then cannot be imported whole)."""
    try:
        import asyncinotify
        import asyncinotify._ffi as ffi
    except (ImportError, AttributeError, RuntimeError):
        return None
    return asyncinotify if hasattr(ffi, "libc") else None


_notifiers: WeakKeyDictionary[asyncio.AbstractEventLoop, Notifier] = WeakKeyDictionary()


def notifier() -> Notifier:
    """The running loop's."""
    return _notifiers.setdefault(asyncio.get_running_loop(), Notifier())
