"""One open terminal: moves bytes between a shell and who is connected to it, and ends when any of its limits says so.

Belongs to one event loop. Three tasks: `show` reads the shell into the scrollback, and only while the writer has been
given all there is, so that a flood waits in the shell; `type` writes what was typed, so that a program that does not
read holds up neither an acknowledgement nor a resize; `watch` keeps the time limits and asks again for the right to be
here. Each viewer's pump gives it what the scrollback has. Without a writer the shell goes on: its output is read at a
pace, and the terminal waits for its user to come back. The first reason to end wins.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial

from jobs.cluster.base import ExecSession
from jobs.cluster.errors import ClusterError, NotFound
from jobs.terminal.authority import Objection, until_lost
from jobs.terminal.protocol import (
    FRAME_BYTES,
    NAMES_TOLD,
    PENDING_INPUT_BYTES,
    Audience,
    Ending,
    Fault,
    Mode,
    Refused,
    Size,
)
from jobs.terminal.recorder import NotRecorded, Recorder, Unrecorded
from jobs.terminal.scrollback import Scrollback
from jobs.terminal.viewer import Farewell, Outcome, Viewer

logger = logging.getLogger(__name__)

EXIT_CODE_SECONDS = 2.0  # from the end of the output to the exit code
LAST_OUTPUT_SECONDS = 2.0  # from the pod's end to the last output shown
LAST_WATCHED_SECONDS = 1.0  # for watchers to be given the last output
DETACHED_BYTES_PER_SECOND = 8 * 1024 * 1024  # nobody looks: a flood is not to take a processor


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds."""

    idle: float
    total: float
    warning: float  # so long before either
    detached: float
    authority: float  # rights that were lost are noticed within this


class Terminal:
    def __init__(self, limits: Limits, *, cols: int, rows: int, recorder: Recorder | None = None) -> None:
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[Outcome] = self.loop.create_future()
        self.session: ExecSession | None = None
        self.recorder: Recorder = recorder or Unrecorded()
        self.scrollback = Scrollback()
        self.size = Size(cols, rows)
        self.writer: Viewer | None = None
        self.viewers: list[Viewer] = []
        self.watchable = False
        self.alone: asyncio.TimerHandle | None = None
        self.room = asyncio.Event()
        self.typed = asyncio.Event()
        self.pending = bytearray()
        self.unwritten = 0  # pending, and what is being written
        self.touched = self.started = self.loop.time()
        self.bytes_in = self.bytes_out = 0

    # Who is connected.

    def attach(self, viewer: Viewer, since: int | None = None) -> None:
        """From now on the viewer has a place in the output; its pump (Viewer.show) is the caller's to run. A writer
        takes the place of the one before."""
        viewer.begin(self.scrollback.opening(since))
        if viewer.mode is Mode.WRITE:
            if self.writer:
                self.detach(self.writer, Farewell(Outcome(Ending.TAKEN_OVER), session_open=True))
            self.stop_waiting()
            self.writer, self.touched = viewer, self.loop.time()
        self.viewers.append(viewer)
        if viewer is not self.writer:
            self.watchable = True  # the row says so, or nobody were let in; it is looked at now and then only
        self.tell_audience(but=viewer)

    def detach(self, viewer: Viewer, farewell: Farewell) -> None:
        """May be called again."""
        viewer.leave(farewell)
        if viewer not in self.viewers:
            return
        self.viewers.remove(viewer)
        if viewer is self.writer:
            self.writer = None
            self.room.set()
            self.wait_for_return()
        self.tell_audience()

    def wait_for_return(self) -> None:
        if not self.limits.detached:
            self.finish(Ending.CLIENT_LEFT)
        elif not self.outcome.done():
            self.alone = self.loop.call_later(self.limits.detached, self.finish, Ending.DETACHED)

    def stop_waiting(self) -> None:
        if self.alone:
            self.alone.cancel()
            self.alone = None

    def allow_watching(self, allowed: bool) -> None:
        if allowed == self.watchable:
            return
        self.watchable = allowed
        if not allowed:
            for viewer in [viewer for viewer in self.viewers if viewer is not self.writer]:
                self.detach(viewer, Farewell(Outcome(Ending.NOT_WATCHABLE), session_open=True))
        self.tell_audience()

    @property
    def watchers(self) -> tuple[str, ...]:
        return tuple(viewer.name for viewer in self.viewers if viewer is not self.writer)[:NAMES_TOLD]

    def tell_audience(self, but: Viewer | None = None) -> None:
        """Who has just come reads it in `ready`."""
        if self.writer and self.writer is not but:
            self.writer.tell(Audience(self.watchable, self.watchers))

    # What the writer asks for. None of it waits for the shell; what comes before it is there, or after its end, is kept
    # or lost.

    def feed(self, data: bytes) -> None:
        """Raises Refused when too much waits already."""
        if self.unwritten + len(data) > PENDING_INPUT_BYTES:
            raise Refused(Fault.INPUT_FULL, "the program in the terminal does not read; try again later")
        self.touched = self.loop.time()
        self.pending += data
        self.unwritten += len(data)
        self.bytes_in += len(data)
        self.typed.set()

    async def resize(self, *, cols: int, rows: int) -> None:
        changed, self.size = self.size != Size(cols, rows), Size(cols, rows)
        if self.session is not None:
            await self.session.resize(cols=cols, rows=rows)
            self.recorder.resized(cols, rows)
        for viewer in self.viewers if changed else ():
            if viewer is not self.writer:
                viewer.tell(self.size)

    def finish(self, ending: Ending, code: int | None = None) -> None:
        if not self.outcome.done():
            self.outcome.set_result(Outcome(ending, code))
            self.stop_waiting()

    # The shell.

    async def run(self, session: ExecSession, objection: Objection) -> Outcome:
        """Until the end; the session is closed then, also when this is cancelled."""
        self.session = session
        parts = [partial(part, session) for part in (self.show, self.follow_end, self.type)]
        tasks = [asyncio.create_task(self.guarded(part)) for part in (*parts, partial(self.watch, objection))]
        try:
            return await asyncio.shield(self.outcome)
        finally:
            self.finish(Ending.FAILED)
            for task in tasks:
                task.cancel()
            await session.aclose()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def guarded(self, part: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            await part()
        except NotRecorded:
            self.finish(Ending.NOT_RECORDED)
        except Exception:  # the boundary of one terminal: it ends, the process goes on
            logger.exception("A terminal failed")
            self.finish(Ending.FAILED)

    async def show(self, session: ExecSession) -> None:
        while True:
            await self.wait_for_writer()
            data = await session.read()
            if not data:
                break
            await self.recorder.output(data)
            self.bytes_out += len(data)
            self.scrollback.append(data)
            for viewer in self.viewers:
                viewer.news.set()
            if self.writer is None:
                await asyncio.sleep(len(data) / DETACHED_BYTES_PER_SECOND)
        await self.wait_for_writer()
        await self.wait_for_watchers()
        self.finish(*await self.how_it_ended(session))

    async def wait_for_writer(self) -> None:
        while self.writer is not None and not self.writer.is_current(self.scrollback):
            self.room.clear()
            await self.room.wait()

    async def wait_for_watchers(self) -> None:
        try:
            async with asyncio.timeout(LAST_WATCHED_SECONDS):
                while not all(viewer.is_current(self.scrollback) for viewer in self.viewers):
                    self.room.clear()
                    await self.room.wait()
        except TimeoutError:
            pass

    async def how_it_ended(self, session: ExecSession) -> tuple[Ending, int | None]:
        try:
            async with asyncio.timeout(EXIT_CODE_SECONDS):
                return Ending.EXITED, await session.wait()
        except TimeoutError:  # it closed its terminal and goes on without
            return Ending.EXITED, None
        except NotFound:
            return Ending.POD_ENDED, None
        except ClusterError:
            return Ending.UNAVAILABLE, None

    async def follow_end(self, session: ExecSession) -> None:
        """The pod's end is not held up by a peer that does not look at the output."""
        try:
            await session.wait()
        except ClusterError as exc:
            await asyncio.sleep(LAST_OUTPUT_SECONDS)
            self.finish(Ending.POD_ENDED if isinstance(exc, NotFound) else Ending.UNAVAILABLE)

    async def type(self, session: ExecSession) -> None:
        while True:
            await self.typed.wait()
            data = bytes(self.pending[:FRAME_BYTES])
            del self.pending[:FRAME_BYTES]
            if not self.pending:
                self.typed.clear()
            await session.write(data)
            self.unwritten -= len(data)

    # The limits.

    async def watch(self, objection: Objection) -> None:
        await asyncio.gather(
            self.keep_limit(Ending.IDLE, self.limits.idle, lambda: self.touched),
            self.keep_limit(Ending.TIME_LIMIT, self.limits.total, lambda: self.started),
            self.keep_authority(objection),
        )

    async def keep_limit(self, ending: Ending, limit: float, since: Callable[[], float]) -> None:
        """Ends the terminal `limit` seconds after `since`, which may move on meanwhile; warns before, once for each
        place it stood at."""
        ahead = min(self.limits.warning, limit / 2)
        warned_for: float | None = None
        while (left := since() + limit - self.loop.time()) > 0:
            if left > ahead:
                await asyncio.sleep(left - ahead)
                continue
            if warned_for != since():
                warned_for = since()
                for viewer in self.viewers:
                    viewer.warn(ending, max(1, round(left)))
            await asyncio.sleep(left)
        self.finish(ending)

    async def keep_authority(self, objection: Objection) -> None:
        self.finish(await until_lost(objection, self.limits.authority))
