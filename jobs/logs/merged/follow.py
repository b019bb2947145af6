"""Following the logs of an attempt's replicas as one: what was written since a cursor, and then what is being written.

Nothing is lost and nothing comes twice: each batch says where the next one begins. Within a replica the order is the
log's. Between replicas a line comes when nothing earlier can come any more: when every other replica has a later one,
or has ended. A replica that is silent is not waited for long: what it prints from now on will have a time from about
now on, so what is older than WINDOW_SECONDS may go. Where the clocks of machines differ by more, or a cluster's log is
fetched later than that, lines of different replicas may change places, and nothing worse.

One task and one event loop; reads are of one small block each, as in jobs.logs.follow.
"""

import asyncio
import heapq
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from jobs.logs.follow import Quiet
from jobs.logs.merged.cursor import JobCursor
from jobs.logs.merged.lines import Line
from jobs.logs.merged.logs import MOST, OpenLogs
from jobs.logs.merged.merge import Scan
from jobs.logs.merged.page import tail_of
from jobs.logs.merged.source import Source, Step, block_size
from jobs.logs.merged.spans import JobQuery, Part, spans_of
from jobs.logs.notify import Subscription, notifier
from jobs.logs.store import LogKey, LogStore

WINDOW_SECONDS = 0.25
BATCH_BYTES = 64 << 10  # reached by the last line: with every byte escaped, a message stays under 1 MiB
LINE_BYTES = 96  # what a line costs besides its text
PACE_SECONDS, PACE_PER_REPLICA = 0.02, 0.0001  # between two small batches: many small ones cost more than few
STEPS = 64  # blocks that are read before everybody else has a turn

IsOver = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines, and the cursor that goes on after them. Without lines it says that nothing came for a while. A line of the
    platform's own is a batch by itself."""

    lines: Sequence[Line]
    cursor: JobCursor

    @property
    def gap(self) -> Line | None:
        return self.lines[0] if self.lines and self.lines[0].marker else None


class Follower:
    """One replica that is followed."""

    def __init__(self, source: Source, subscription: Subscription) -> None:
        self.source = source
        self.subscription = subscription
        self.ended = False
        self.found_at = 0.0  # when the head was found, by the loop's clock

    def step(self, logs: OpenLogs, *, over: bool) -> Step:
        self.subscription.look_again()
        log = logs.get(self.source.key)
        if log is None:
            self.ended = over
            return Step.NOTHING
        # First whether this is the end, then what is there: the other way round, bytes could come in between.
        finished = log.is_complete() or over
        step = self.source.step(log.size() if finished else min(log.size(), log.timed_size()), finished=finished)
        self.ended = finished and step is Step.NOTHING
        if step is Step.LINE:
            self.found_at = asyncio.get_running_loop().time()
        return step


class Attempt:
    """All replicas that are followed, and the order of their next lines."""

    def __init__(self, logs: OpenLogs, attempt: int) -> None:
        self.logs = logs
        self.attempt = attempt
        self.changed = asyncio.Event()
        self.over = False  # nothing more will be written, whatever the logs say
        self._followers: list[Follower] = []
        self._unread: set[int] = set()  # numbers of those in which something may be new
        self._heads: list[tuple[Line, int]] = []  # a heap
        self._ended = 0  # how many of them

    def add(self, source: Source, subscription: Subscription) -> None:
        self._followers.append(Follower(source, subscription))

    def tell(self, number: int) -> None:
        """Something may be new."""
        self._unread.add(number)
        self.changed.set()

    def tell_all(self) -> None:
        for number, follower in enumerate(self._followers):
            if not follower.ended and follower.source.head is None:
                self._unread.add(number)

    @property
    def ended(self) -> bool:
        return not (self._heads or self._unread) and self._ended == len(self._followers)

    @property
    def poll_seconds(self) -> float:
        return min((follower.subscription.poll_seconds for follower in self._followers), default=1.0)

    @property
    def cursor(self) -> JobCursor:
        offsets = {follower.source.key.replica: follower.source.cursor for follower in self._followers}
        return JobCursor(self.attempt, offsets)

    def look(self) -> bool:
        """Reads where something may be new. Answers whether all of it was."""
        for _step in range(STEPS):
            if not self._unread:
                return True
            number = self._unread.pop()
            follower = self._followers[number]
            if follower.source.head is not None:
                continue
            had_ended = follower.ended
            step = follower.step(self.logs, over=self.over)
            self._ended += follower.ended - had_ended
            if step is Step.LINE:
                self._push(number)
            elif step is Step.MORE:
                self._unread.add(number)
        return not self._unread

    def _push(self, number: int) -> None:
        head = self._followers[number].source.head
        assert head is not None  # its step said so
        heapq.heappush(self._heads, (head, number))

    def batch(self) -> list[Line]:
        """The lines that may go now, after a look at what is new."""
        now, wall_ns = asyncio.get_running_loop().time(), time.time_ns()
        if not (self.look() and self._heads and self._wait_for_head(now, wall_ns) <= 0):
            return []
        if self._waits_for_silent and len(self._followers) <= MOST:
            # Hints are slow where the machine is busy: who is taken for silent is looked at.
            self.tell_all()
            if not self.look():
                return []
        lines: list[Line] = []
        size = 0
        while self._heads and size < BATCH_BYTES and self._wait_for_head(now, wall_ns) <= 0:
            if lines and (self._heads[0][0].marker or lines[0].marker):
                break
            lines.append(self._take())
            size += len(lines[-1].data) + LINE_BYTES
            if not self.look():
                break
        return lines

    def _take(self) -> Line:
        _line, number = heapq.heappop(self._heads)
        self._unread.add(number)
        return self._followers[number].source.take()

    @property
    def is_reading(self) -> bool:
        return bool(self._unread)

    @property
    def pace_seconds(self) -> float:
        return PACE_SECONDS + PACE_PER_REPLICA * len(self._followers) if len(self._followers) > 1 else 0.0

    async def wait(self, seconds: float) -> None:
        """Until something new has come, or a line may go that waits, or at most so long."""
        if self._heads:
            waits = self._wait_for_head(asyncio.get_running_loop().time(), time.time_ns())
            seconds = min(seconds, waits)
        try:
            async with asyncio.timeout(max(0.001, seconds)):
                await self.changed.wait()
        except TimeoutError:
            return

    @property
    def _waits_for_silent(self) -> bool:
        return len(self._heads) < len(self._followers) - self._ended

    def _wait_for_head(self, now: float, wall_ns: int) -> float:
        """Seconds until the first line may go, 0 or less when it may."""
        if not self._waits_for_silent:
            return 0.0
        line, number = self._heads[0]
        by_time = WINDOW_SECONDS - (wall_ns - line.time_ns) / 1e9
        return min(by_time, WINDOW_SECONDS - (now - self._followers[number].found_at))


async def follow(store: LogStore, part: Part, query: JobQuery, is_over: IsOver) -> AsyncGenerator[Batch, None]:
    """Batches until every log is complete, or is_over has said so while nothing came. Waits for replicas that have not
    started: all that they write then is new, so tail_lines leaves nothing of it out. While nothing comes, a batch
    without lines about every second lets the caller see to other things. `part.over` is not asked."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        attempt = Attempt(stack.enter_context(OpenLogs(store)), part.attempt)
        watch = notifier().subscribe
        subscriptions = [
            await stack.enter_async_context(watch(store.watch_path(key), partial(attempt.tell, number)))
            for number, key in enumerate(part.keys)
        ]
        starts = await asyncio.to_thread(starts_of, store, part, query)
        block = block_size(len(part.keys))
        for key, subscription in zip(part.keys, subscriptions, strict=True):
            source = Source(attempt.logs, key, starts[key], block=block, keyword=query.lines.keyword, returns=True)
            attempt.add(source, subscription)
        quiet, look_at_all = Quiet(is_over), 0.0
        while True:
            if loop.time() >= look_at_all:  # a hint may be lost
                attempt.tell_all()
                look_at_all = loop.time() + attempt.poll_seconds
            attempt.changed.clear()
            lines = attempt.batch()
            if lines:
                quiet.broken()
                yield Batch(lines, attempt.cursor)
                await asyncio.sleep(0 if attempt.is_reading else attempt.pace_seconds)
            elif attempt.ended:
                return
            elif await quiet.lasts():
                attempt.over = quiet.is_final
                look_at_all = 0.0
                yield Batch((), attempt.cursor)
            elif attempt.is_reading:
                await asyncio.sleep(0)
            else:
                await attempt.wait(look_at_all - loop.time())


def starts_of(store: LogStore, part: Part, query: JobQuery) -> Mapping[LogKey, int]:
    """Where to begin with each replica."""
    with OpenLogs(store) as logs:
        spans = spans_of(logs, [part], query)
        if query.cursor is None and query.lines.tail_lines is not None:
            spans = tail_of(logs, spans, query.lines, Scan())
        return {span.key: span.start for span in spans[0]}
