"""What is kept of every terminal: who was in which pod, from when to when, how it ended, and which web process has it.

The process that has a terminal alone ends its record, unless it is dead: it says every few seconds that it lives, and
one that has been silent for long has lost its terminals. Others write what they want of it into the record, which it
reads.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from jobs.models import TerminalServer, TerminalSession, TerminalTicket
from jobs.services import Origin, audit
from jobs.terminal.protocol import Ending
from jobs.terminal.tickets import TicketRefused

# A lost terminal shows within a minute: after the silence, the next look (jobs.end_terminals) comes within 20 s.
SILENT_SECONDS = 28
BEAT_SECONDS = 7.0
# Of a record without a server: no terminal is open longer than its limit.
LOST_AFTER_SECONDS = 300
LOST = "lost"


def begin(ticket: TerminalTicket, origin: Origin, now: datetime, *, server: str) -> TerminalSession:
    """The audit and the record, committed before anything runs. Raises TicketRefused when the user has as many
    terminals open as there may be."""
    with transaction.atomic():
        close_lost(now)
        beat(server, now)
        if TerminalSession.objects.filter(user=ticket.user, ended_at=None).count() >= settings.TERMINALS_PER_USER:
            raise TicketRefused(Ending.TOO_MANY)
        audit(ticket.user, "terminal.open", ticket.job, origin, detail={"pod": ticket.pod.name})
        return TerminalSession.objects.create(
            user=ticket.user,
            job=ticket.job,
            pod=ticket.pod,
            address=origin.address,
            started_at=now,
            server_id=server,
        )


def come_back(ticket: TerminalTicket, origin: Origin) -> None:
    """Of a connection to a session that is there: the audit, committed before anything is shown."""
    with transaction.atomic():
        action = "terminal.watch" if ticket.watch else "terminal.attach"
        audit(ticket.user, action, ticket.job, origin, detail={"pod": ticket.pod.name, "session": ticket.session_id})
        if ticket.session_id and not ticket.watch:
            TerminalSession.objects.filter(pk=ticket.session_id).update(detached_at=None)


def detached(pk: int, at: datetime | None) -> None:
    TerminalSession.objects.filter(pk=pk, ended_at=None).update(detached_at=at)


def end(
    record: TerminalSession, ending: Ending, code: int | None, *, bytes_in: int, bytes_out: int, now: datetime
) -> None:
    TerminalSession.objects.filter(pk=record.pk, ended_at=None).update(
        ended_at=now, end_reason=ending.value, exit_code=code, bytes_in=bytes_in, bytes_out=bytes_out
    )


def beat(server: str, now: datetime) -> None:
    """The server lives. A new one removes those of long ago."""
    if not TerminalServer.objects.filter(pk=server).update(beat_at=now):
        TerminalServer.objects.filter(beat_at__lt=now - timedelta(days=1)).delete()
        TerminalServer.objects.create(pk=server, address=settings.WEB_INTERNAL_URL, started_at=now, beat_at=now)


def wishes(server: str) -> Mapping[int, tuple[str, bool]]:
    """Of each of the server's open terminals: how it is to end ("": it is not), and whether it may be watched."""
    mine = TerminalSession.objects.filter(server=server, ended_at=None)
    return {pk: (request, watchable) for pk, request, watchable in mine.values_list("pk", "end_request", "watchable")}


def close_lost(now: datetime) -> None:
    """Of servers that are dead."""
    longest = timedelta(seconds=settings.TERMINAL_TOTAL_SECONDS + LOST_AFTER_SECONDS)
    by_age = Q(server=None, started_at__lt=now - longest)
    by_silence = Q(server__beat_at__lt=now - timedelta(seconds=SILENT_SECONDS))
    lost = list(TerminalSession.objects.filter(by_age | by_silence, ended_at=None).values_list("pk", flat=True))
    if lost:
        TerminalSession.objects.filter(pk__in=lost, ended_at=None).update(ended_at=now, end_reason=LOST)


def mark_of(record: TerminalSession) -> str:
    """By which what the terminal started is found in its pod, also when the server that knew it was killed. The dot
    keeps it from being the beginning of another's."""
    return f"session-{record.pk}."
