"""One session in the web process that has it: its record, its terminal, and the ticket by which its writer is there."""

import asyncio
from dataclasses import dataclass, field
from functools import partial

from django.conf import settings

from jobs.models import TerminalSession, TerminalTicket
from jobs.terminal import tickets
from jobs.terminal.protocol import Ending, Ready
from jobs.terminal.terminal import Terminal
from jobs.terminal.threads import in_thread
from jobs.terminal.viewer import Viewer


@dataclass(eq=False)
class Held:
    ticket: TerminalTicket  # of the writer that came last: whose right is asked for
    terminal: Terminal
    record: TerminalSession | None = None
    task: "asyncio.Task[None] | None" = None
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def objection(self) -> Ending | None:
        return await in_thread(partial(tickets.objection, self.ticket))

    def ready(self, viewer: Viewer, *, resumed: bool) -> Ready:
        """What the viewer begins with, while it was sent nothing."""
        assert self.record is not None
        terminal = self.terminal
        position = terminal.scrollback.end
        left = settings.TERMINAL_TOTAL_SECONDS - (terminal.loop.time() - terminal.started)
        return Ready(
            jobId=self.ticket.job.public_id,
            podName=self.ticket.pod.name,
            owner=self.record.user.username,
            sessionId=str(self.record.pk),
            mode=viewer.mode,
            resumed=resumed,
            position=position,
            scrollbackBytes=len(viewer.prefix) + position - viewer.position,
            cols=terminal.size.cols,
            rows=terminal.size.rows,
            watchable=terminal.watchable,
            watchers=terminal.watchers,
            recording=terminal.recorder.policy,
            idleSeconds=settings.TERMINAL_IDLE_SECONDS,
            totalSeconds=settings.TERMINAL_TOTAL_SECONDS,
            detachSeconds=settings.TERMINAL_DETACHED_SECONDS,
            leftSeconds=max(0, round(left)),
        )
