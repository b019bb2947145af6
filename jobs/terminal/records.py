"""What is kept of every terminal: who was in which pod, from when to when, and how it ended."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from jobs.models import TerminalSession, TerminalTicket
from jobs.services import Origin, audit
from jobs.terminal.protocol import Ending

# No terminal is open longer than its limit: a record that still is belongs to a process that was killed.
LOST_AFTER_SECONDS = 300
LOST = "lost"


def begin(ticket: TerminalTicket, origin: Origin, now: datetime) -> TerminalSession:
    """The audit and the record, committed before anything runs."""
    with transaction.atomic():
        close_lost(now)
        audit(ticket.user, "terminal.open", ticket.job, origin, detail={"pod": ticket.pod.name})
        return TerminalSession.objects.create(
            user=ticket.user, job=ticket.job, pod=ticket.pod, address=origin.address, started_at=now
        )


def end(
    record: TerminalSession, ending: Ending, code: int | None, *, bytes_in: int, bytes_out: int, now: datetime
) -> None:
    TerminalSession.objects.filter(pk=record.pk, ended_at=None).update(
        ended_at=now, end_reason=ending.value, exit_code=code, bytes_in=bytes_in, bytes_out=bytes_out
    )


def close_lost(now: datetime) -> None:
    before = now - timedelta(seconds=settings.TERMINAL_TOTAL_SECONDS + LOST_AFTER_SECONDS)
    TerminalSession.objects.filter(ended_at=None, started_at__lt=before).update(ended_at=now, end_reason=LOST)


def mark_of(record: TerminalSession) -> str:
    """By which what the terminal started is found in its pod, also when the server that knew it was killed. The dot
    keeps it from being the beginning of another's."""
    return f"session-{record.pk}."
