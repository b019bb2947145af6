"""Tickets: one right to connect to one terminal, once, within a minute.

Any number of requests may present the same ticket at once: one guarded UPDATE decides which of them has it. The token
itself is nowhere but in the answer of the call that issued it; the database keeps its SHA-256.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts.credentials import user_of
from accounts.models import User
from accounts.roles import Right, may, may_control
from jobs.models import Job, Pod, TerminalSession, TerminalTicket
from jobs.services import Origin, audit
from jobs.terminal.protocol import Ending


class TicketRefused(Exception):
    def __init__(self, ending: Ending) -> None:
        self.ending = ending
        super().__init__(ending.value)


@sensitive_variables("token")
def issue(
    *,
    user: User,
    job: Job,
    pod: Pod,
    session_key: str,
    origin: Origin,
    session: TerminalSession | None = None,
    watch: bool = False,
) -> str:
    """`session_key` is the key of the log-in (accounts.credentials) that asks. The caller has checked the user's right,
    that the pod is this job's and runs, and that the session is this pod's. Expired tickets are removed in passing."""
    token = secrets.token_urlsafe(32)
    now = timezone.now()
    with transaction.atomic():
        TerminalTicket.objects.filter(expires_at__lte=now).delete()
        audit(user, "terminal.ticket", job, origin, detail={"pod": pod.name})
        TerminalTicket.objects.create(
            digest=digest_of(token),
            user=user,
            job=job,
            pod=pod,
            pod_uid=pod.uid,
            session=session,
            watch=watch,
            session_key=session_key,
            created_at=now,
            expires_at=now + timedelta(seconds=settings.TERMINAL_TICKET_SECONDS),
        )
    return token


@sensitive_variables("token")
def redeem(token: str, *, now: datetime) -> TerminalTicket:
    """The ticket, used up, with its user, job, project, pool, pod and session. Raises TicketRefused; the ticket is then
    used up as well, when there was one."""
    mine = TerminalTicket.objects.filter(digest=digest_of(token), used_at=None, expires_at__gt=now)
    if mine.update(used_at=now) != 1:
        raise TicketRefused(Ending.TICKET_INVALID)
    related = ("user", "job__project", "job__pool", "pod__attempt", "session__user")
    ticket = TerminalTicket.objects.select_related(*related).get(digest=digest_of(token))
    ending = objection(ticket)
    if ending is None and ticket.pod.phase != "Running":
        ending = Ending.POD_ENDED
    if ending is None and ticket.session and ticket.session.ended_at:
        ending = Ending.SESSION_GONE
    if ending is not None:
        raise TicketRefused(ending)
    return ticket


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The web process that has the session which a ticket is for."""

    address: str
    user_id: int


@sensitive_variables("token")
def elsewhere(token: str, *, now: datetime, here: str) -> Elsewhere | None:
    """None also for a ticket that is good for nothing. It is not used up: that is done where the session is."""
    mine = TerminalTicket.objects.filter(digest=digest_of(token), used_at=None, expires_at__gt=now)
    there = mine.filter(session__ended_at=None, session__server__isnull=False).exclude(session__server=here)
    found = there.values_list("session__server__address", "user_id").first()
    return Elsewhere(*found) if found else None


def objection(ticket: TerminalTicket) -> Ending | None:
    """Why a connection made with the ticket must not be there now; None when it may. Asked again and again."""
    user = user_of(ticket.session_key)
    if user is None or user.pk != ticket.user_id:
        return Ending.NOT_ALLOWED
    job = Job.objects.filter(pk=ticket.job_id, deleted_at=None).only("project_id", "owner_id").first()
    if job is None:
        return Ending.POD_GONE
    role = user.role_in(job.project_id)
    if not (may(role, Right.VIEW) if ticket.watch else may_control(role, owns=job.owner_id == user.pk)):
        return Ending.NOT_ALLOWED
    if ticket.watch and not (ticket.session_id and is_watchable(ticket.session_id)):
        return Ending.NOT_WATCHABLE
    pod = Pod.objects.filter(pk=ticket.pod_id, job=job, uid=ticket.pod_uid).only("phase").first()
    if pod is None:
        return Ending.POD_GONE
    return Ending.POD_ENDED if pod.is_over else None


def is_watchable(session_id: int) -> bool:
    return TerminalSession.objects.filter(pk=session_id, watchable=True).exists()


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
