"""Opens terminals, counts them, and sees to it that each leaves nothing behind, whatever becomes of its peer.

One broker a web process, on its event loop. Each terminal has a task of its own that no consumer's cancellation
reaches: a peer that vanishes only says so (Terminal.finish), and the task closes the shell and writes the record.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

from channels.db import database_sync_to_async
from django.conf import settings
from django.utils import timezone

from jobs.cluster.base import EXEC_MARK, ClusterStreams, ExecSession, PodRef
from jobs.cluster.errors import ClusterError, NotFound
from jobs.clusters import streams_for
from jobs.models import ResourcePool, TerminalTicket
from jobs.services import Origin
from jobs.terminal import records, tickets
from jobs.terminal import terminal as terminals
from jobs.terminal.protocol import Ending
from jobs.terminal.terminal import Limits, Outcome, Terminal
from jobs.terminal.tickets import TicketRefused

logger = logging.getLogger(__name__)

WARNING_SECONDS = 60.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Visit:
    """What a peer comes with. `known_user` is who its cookie or token says it is, if it brought one."""

    token: str = field(repr=False)
    origin: Origin
    cols: int
    rows: int
    known_user: int | None = None


class Peer(terminals.Peer, Protocol):
    async def ready(self, ticket: TerminalTicket, *, cols: int, rows: int) -> None: ...

    async def goodbye(self, outcome: Outcome) -> None:
        """The last word. May be called when nobody is there to hear it any more."""


def limits() -> Limits:
    return Limits(
        idle=settings.TERMINAL_IDLE_SECONDS,
        total=settings.TERMINAL_TOTAL_SECONDS,
        warning=WARNING_SECONDS,
        authority=settings.AUTHORITY_CHECK_SECONDS,
    )


class Broker:
    def __init__(self, streams: Callable[[ResourcePool], ClusterStreams] = streams_for) -> None:
        self.streams = streams
        self.open_by_user: Counter[int] = Counter()
        self.tasks: set[asyncio.Task[None]] = set()

    def receive(self, visit: Visit, peer: Peer) -> tuple[Terminal, "asyncio.Task[None]"]:
        """The terminal to feed, and the task that ends when nothing of it is left."""
        terminal = Terminal(peer, limits())
        task = asyncio.create_task(self.serve(visit, terminal, peer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return terminal, task

    async def serve(self, visit: Visit, terminal: Terminal, peer: Peer) -> None:
        try:
            outcome = await self.admit(visit, terminal, peer)
        except TicketRefused as refused:
            outcome = Outcome(refused.ending)
        except Exception:  # the boundary of one terminal: the peer is told, the process goes on
            logger.exception("A terminal could not be opened")
            outcome = Outcome(Ending.FAILED)
        terminal.finish(outcome.ending, outcome.code)
        await peer.goodbye(outcome)

    async def admit(self, visit: Visit, terminal: Terminal, peer: Peer) -> Outcome:
        """1. use up the ticket 2. one place among the user's 3. audit and record 4. the shell 5. until the end."""
        ticket = await in_thread(partial(tickets.redeem, visit.token, now=timezone.now()))
        if visit.known_user not in (None, ticket.user_id):
            return Outcome(Ending.NOT_ALLOWED)
        if self.open_by_user[ticket.user_id] >= settings.TERMINALS_PER_USER:
            return Outcome(Ending.TOO_MANY)
        self.open_by_user[ticket.user_id] += 1
        try:
            return await self.record(visit, ticket, terminal, peer)
        finally:
            self.open_by_user[ticket.user_id] -= 1
            self.open_by_user += Counter()  # drops those at zero

    async def record(self, visit: Visit, ticket: TerminalTicket, terminal: Terminal, peer: Peer) -> Outcome:
        record = await in_thread(partial(records.begin, ticket, visit.origin, timezone.now()))
        outcome = Outcome(Ending.FAILED)
        try:
            outcome = await self.hold(visit, ticket, records.mark_of(record), terminal, peer)
        finally:
            await in_thread(
                partial(
                    records.end,
                    record,
                    outcome.ending,
                    outcome.code,
                    bytes_in=terminal.bytes_in,
                    bytes_out=terminal.bytes_out,
                    now=timezone.now(),
                )
            )
        return outcome

    async def hold(self, visit: Visit, ticket: TerminalTicket, mark: str, terminal: Terminal, peer: Peer) -> Outcome:
        try:
            session = await self.open_shell(ticket, visit, mark)
        except NotFound:
            return Outcome(Ending.POD_ENDED)
        except ClusterError:
            logger.warning("No terminal in %s", ticket.pod.name, exc_info=True)
            return Outcome(Ending.UNAVAILABLE)
        try:
            if not terminal.outcome.done():
                await peer.ready(ticket, cols=visit.cols, rows=visit.rows)
            return await terminal.run(session, partial(in_thread, partial(tickets.objection, ticket)))
        finally:
            await session.aclose()

    async def open_shell(self, ticket: TerminalTicket, visit: Visit, mark: str) -> ExecSession:
        """Raises ClusterError."""
        pod = PodRef(ticket.job.public_id, ticket.pod.attempt.number, ticket.pod.replica, ticket.pod_uid)
        streams = self.streams(ticket.job.pool)
        return await streams.open_exec(pod, command=(), env={EXEC_MARK: mark}, cols=visit.cols, rows=visit.rows)


async def in_thread(call: Callable[[], T]) -> T:
    """Off the event loop, and not behind other requests' database work either."""
    result: T = await database_sync_to_async(call, thread_sensitive=False)()
    return result
