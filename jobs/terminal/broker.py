"""Has the terminals of this web process: opens them, connects peers to them, and sees to it that each leaves nothing
behind, whatever becomes of its peers.

One broker a web process, on its event loop. Each terminal has a task of its own that no consumer's cancellation
reaches, and so has each connection: a peer that vanishes only says so (Connection.leave). A terminal's task closes the
shell and writes the record; a connection's task ends with the last word to its peer.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.utils import timezone

from jobs.cluster.base import EXEC_MARK, ClusterStreams, ExecSession, PodRef
from jobs.cluster.errors import ClusterError, NotFound
from jobs.clusters import streams_for
from jobs.models import ResourcePool, TerminalTicket
from jobs.terminal import recording, records, tickets
from jobs.terminal.attendance import Attendance
from jobs.terminal.authority import until_lost
from jobs.terminal.connection import Connection, Leaving, Peer, Visit
from jobs.terminal.held import Held
from jobs.terminal.protocol import DEFAULT_COLS, DEFAULT_ROWS, Ending, Mode
from jobs.terminal.recorder import NotRecorded, Recorder
from jobs.terminal.terminal import Limits, Terminal
from jobs.terminal.threads import in_thread
from jobs.terminal.tickets import Elsewhere, TicketRefused
from jobs.terminal.viewer import Farewell, Outcome, Viewer

logger = logging.getLogger(__name__)

WARNING_SECONDS = 60.0
CLOSE_SECONDS = 8.0


def limits() -> Limits:
    return Limits(
        idle=settings.TERMINAL_IDLE_SECONDS,
        total=settings.TERMINAL_TOTAL_SECONDS,
        warning=WARNING_SECONDS,
        detached=settings.TERMINAL_DETACHED_SECONDS,
        authority=settings.AUTHORITY_CHECK_SECONDS,
    )


class Broker:
    def __init__(self, streams: Callable[[ResourcePool], ClusterStreams] = streams_for) -> None:
        self.streams = streams
        self.open_by_user: Counter[int] = Counter()
        self.held: set[Held] = set()
        self.attendance = Attendance()
        self.sessions = self.attendance.sessions
        self.connections: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    # Connections.

    def receive(self, visit: Visit, peer: Peer) -> tuple[Connection, "asyncio.Task[None]"]:
        """The connection to feed, and the task that ends when nothing of it is left."""
        connection = Connection(visit, peer)
        task = asyncio.create_task(self.serve(connection))
        self.tasks.add(task)
        self.connections.add(connection)
        task.add_done_callback(self.tasks.discard)
        task.add_done_callback(lambda _: self.connections.discard(connection))
        return connection, task

    async def serve(self, connection: Connection) -> None:
        try:
            farewell = await self.admit(connection)
        except TicketRefused as refused:
            farewell = Farewell(Outcome(refused.ending))
        except Exception:  # the boundary of one connection: the peer is told, the process goes on
            logger.exception("A terminal could not be opened")
            farewell = Farewell(Outcome(Ending.FAILED))
        connection.over = True
        if isinstance(farewell, Farewell):
            await connection.peer.goodbye(farewell)
        else:
            await connection.peer.hang_up(farewell)

    async def admit(self, connection: Connection) -> Farewell | int:
        """1. where the session is 2. use up the ticket 3. the session, new or old 4. stay until the end. An int is the
        close code of another process, which has said all there is to say."""
        visit = connection.visit
        ticket = await in_thread(partial(self.redeem, visit))
        if isinstance(ticket, Elsewhere):
            return await self.pass_on(connection, ticket)
        if visit.known_user not in (None, ticket.user_id):
            return Farewell(Outcome(Ending.NOT_ALLOWED))
        if ticket.session_id is None:
            return await self.stay(connection, self.open(visit, ticket), ticket)
        held = self.sessions.get(ticket.session_id)
        if held is None or held.terminal.outcome.done():
            return Farewell(Outcome(Ending.SESSION_GONE))
        await in_thread(partial(records.come_back, ticket, visit.origin))
        return await self.stay(connection, held, ticket, resumed=True)

    def redeem(self, visit: Visit) -> TerminalTicket | Elsewhere:
        now = timezone.now()
        there = None if visit.relayed else tickets.elsewhere(visit.token, now=now, here=self.attendance.server)
        return there or tickets.redeem(visit.token, now=now)

    async def pass_on(self, connection: Connection, there: Elsewhere) -> Farewell | int:
        from jobs.terminal.relay import Unreached, relay

        connection.passed_on = True
        if connection.visit.known_user not in (None, there.user_id):
            return Farewell(Outcome(Ending.NOT_ALLOWED))
        try:
            code = await relay(connection, there.address)
        except Unreached as exc:
            logger.warning("A terminal's server at %s cannot be reached: %s", there.address, exc)
            return Farewell(Outcome(Ending.UNAVAILABLE), session_open=True)
        return Farewell(Outcome(connection.left.result().ending), session_open=True) if connection.left.done() else code

    async def stay(
        self, connection: Connection, held: Held, ticket: TerminalTicket, *, resumed: bool = False
    ) -> Farewell:
        """From the first to the last moment of a connection in a session."""
        terminal, visit = held.terminal, connection.visit
        viewer = Viewer(connection.peer, Mode.WATCH if ticket.watch else Mode.WRITE, ticket.user.username, terminal)
        terminal.attach(viewer, visit.since)
        if viewer.mode is Mode.WRITE:
            held.ticket = ticket
            if resumed and visit.cols and visit.rows:
                await terminal.resize(cols=visit.cols, rows=visit.rows)
        await connection.connect(viewer)
        tasks = [asyncio.create_task(self.show(held, viewer, resumed=resumed))]
        if viewer.mode is Mode.WATCH:
            tasks.append(asyncio.create_task(self.keep_right(viewer, ticket)))
        self.end_with(viewer, held, connection)
        try:
            farewell = await viewer.farewell
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return await self.part(connection, held, viewer, farewell)

    async def show(self, held: Held, viewer: Viewer, *, resumed: bool) -> None:
        await held.opened.wait()
        try:
            await viewer.show(held.ready(viewer, resumed=resumed), held.terminal.scrollback)
        except Exception:  # the boundary of one connection: it ends, the session goes on
            logger.exception("A terminal's connection failed")
            viewer.leave(Farewell(Outcome(Ending.FAILED), session_open=True))

    async def keep_right(self, viewer: Viewer, ticket: TerminalTicket) -> None:
        """Of a watcher. The writer's is the session's."""
        objection = partial(in_thread, partial(tickets.objection, ticket))
        ending = await until_lost(objection, settings.AUTHORITY_CHECK_SECONDS)
        viewer.leave(Farewell(Outcome(ending), session_open=True))

    def end_with(self, viewer: Viewer, held: Held, connection: Connection) -> None:
        """The viewer leaves with its peer, and with the session."""

        def session_ended(outcome: "asyncio.Future[Outcome]") -> None:
            viewer.leave(Farewell(outcome.result()))

        def peer_left(how: "asyncio.Future[Leaving]") -> None:
            viewer.leave(Farewell(Outcome(how.result().ending), session_open=True))

        held.terminal.outcome.add_done_callback(session_ended)
        connection.left.add_done_callback(peer_left)
        viewer.farewell.add_done_callback(lambda _: held.terminal.outcome.remove_done_callback(session_ended))
        viewer.farewell.add_done_callback(lambda _: connection.left.remove_done_callback(peer_left))

    async def part(self, connection: Connection, held: Held, viewer: Viewer, farewell: Farewell) -> Farewell:
        """A writer's leaving may end the session; what ended is waited for."""
        terminal = held.terminal
        was_writer = terminal.writer is viewer
        if was_writer and connection.left.done():
            self.end_for(connection.left.result(), held)
        terminal.detach(viewer, farewell)
        if terminal.outcome.done():
            if held.task:
                await asyncio.wait({held.task})
            return Farewell(terminal.outcome.result())
        if was_writer and held.record:
            await in_thread(partial(records.detached, held.record.pk, timezone.now()))
            if terminal.writer:  # somebody came back meanwhile
                await in_thread(partial(records.detached, held.record.pk, None))
        return farewell

    def end_for(self, how: Leaving, held: Held) -> None:
        """A writer that never heard of its session cannot come back to it."""
        if how is not Leaving.DROPPED or not held.opened.is_set():
            held.terminal.finish(how.ending)

    # Sessions.

    def open(self, visit: Visit, ticket: TerminalTicket) -> Held:
        """Raises TicketRefused when this process has enough of the user's."""
        if self.open_by_user[ticket.user_id] >= settings.TERMINALS_PER_USER:
            raise TicketRefused(Ending.TOO_MANY)
        self.open_by_user[ticket.user_id] += 1
        terminal = Terminal(limits(), cols=visit.cols or DEFAULT_COLS, rows=visit.rows or DEFAULT_ROWS)
        held = Held(ticket, terminal)
        self.held.add(held)
        held.task = asyncio.create_task(self.keep(visit, held))
        return held

    async def keep(self, visit: Visit, held: Held) -> None:
        """1. audit and record 2. the shell 3. until the end 4. the record's end."""
        user = held.ticket.user_id
        try:
            await self.keep_record(visit, held)
        except TicketRefused as refused:
            held.terminal.finish(refused.ending)
        except Exception:  # the boundary of one terminal: its peers are told, the process goes on
            logger.exception("A terminal could not be opened, or its end not be recorded")
            held.terminal.finish(Ending.FAILED)
        finally:
            self.held.discard(held)
            self.open_by_user[user] -= 1
            self.open_by_user += Counter()  # drops those at zero

    async def keep_record(self, visit: Visit, held: Held) -> None:
        now, terminal = timezone.now(), held.terminal
        record = await in_thread(partial(records.begin, held.ticket, visit.origin, now, server=self.attendance.server))
        held.record = record
        self.attendance.add(record.pk, held)
        try:
            await self.hold(held, records.mark_of(record))
        finally:
            terminal.finish(Ending.FAILED)
            outcome = terminal.outcome.result()
            await terminal.recorder.end()
            count = {"bytes_in": terminal.bytes_in, "bytes_out": terminal.bytes_out}
            try:
                end = partial(records.end, record, outcome.ending, outcome.code, now=timezone.now(), **count)
                await in_thread(end)
            finally:
                self.attendance.remove(record.pk)

    async def hold(self, held: Held, mark: str) -> None:
        terminal = held.terminal
        try:
            terminal.recorder = await begin_recording(held)
            session = await self.open_shell(held.ticket, mark, terminal)
        except NotRecorded:
            terminal.finish(Ending.NOT_RECORDED)
            return
        except NotFound:
            terminal.finish(Ending.POD_ENDED)
            return
        except ClusterError:
            logger.warning("No terminal in %s", held.ticket.pod.name, exc_info=True)
            terminal.finish(Ending.UNAVAILABLE)
            return
        try:
            held.opened.set()
            await terminal.run(session, held.objection)
        finally:
            await session.aclose()

    async def open_shell(self, ticket: TerminalTicket, mark: str, terminal: Terminal) -> ExecSession:
        """Raises ClusterError."""
        pod = PodRef(ticket.job.public_id, ticket.pod.attempt.number, ticket.pod.replica, ticket.pod_uid)
        size = {"cols": terminal.size.cols, "rows": terminal.size.rows}
        return await self.streams(ticket.job.pool).open_exec(pod, command=(), env={EXEC_MARK: mark}, **size)

    async def close(self) -> None:
        """This process is stopping. Until its terminals have ended, but not for ever."""
        for held in tuple(self.held):
            held.terminal.finish(Ending.RESTARTING)
        for connection in tuple(self.connections):
            if connection.passed_on:
                connection.leave(Leaving.RESTARTING)
        tasks = {held.task for held in self.held if held.task} | self.tasks
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_SECONDS)


async def begin_recording(held: Held) -> Recorder:
    """Raises NotRecorded where the session must be recorded and cannot be."""
    assert held.record is not None
    ticket, terminal = held.ticket, held.terminal
    failed = partial(terminal.finish, Ending.NOT_RECORDED)
    size = {"cols": terminal.size.cols, "rows": terminal.size.rows}
    return await recording.begin(held.record, ticket.job, ticket.pod, on_failure=failed, **size)
