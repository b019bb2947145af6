"""What people may do with open terminals besides typing: see them, come back, watch, let others watch, end them.

Nothing of it talks to the process that has the terminal: what is wanted is written into the record, which that process
reads within two seconds. Raises jobs.exceptions only.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts.models import User
from accounts.roles import Right, Role, may, may_control
from jobs.exceptions import PermissionDenied, TerminalSessionNotFound
from jobs.models import Job, Pod, TerminalSession
from jobs.services import Origin, audit
from jobs.terminal.protocol import Ending

MOST_LISTED = 100
MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Rights:
    """Of a user in one of the open terminals of a job."""

    attach: bool
    watch: bool
    end: bool

    @classmethod
    def of(cls, actor: User, role: Role | None, job: Job, session: TerminalSession) -> "Rights":
        """`role`: in the job's project."""
        mine = session.user_id == actor.pk
        return cls(
            attach=mine and may_control(role, owns=job.owner_id == actor.pk),
            watch=session.watchable and may(role, Right.VIEW),
            end=mine or may(role, Right.CONTROL_ANY),
        )


def listed(actor: User, job: Job) -> list[tuple[TerminalSession, Rights]]:
    """Those that are open and that the actor may do anything with, the newest first."""
    role = actor.role_in(job.project_id)
    found = TerminalSession.objects.filter(job=job, ended_at=None).select_related("user", "pod")
    if not may(role, Right.CONTROL_ANY):
        found = found.filter(Q(user=actor) | Q(watchable=True))
    return [(session, Rights.of(actor, role, job, session)) for session in found[:MOST_LISTED]]


def find(actor: User, job: Job, public_id: str, *, pod: Pod | None = None) -> tuple[TerminalSession, Rights]:
    """Raises TerminalSessionNotFound."""
    if not (public_id.isascii() and public_id.isdigit() and len(public_id) <= MOST_DIGITS):
        raise TerminalSessionNotFound
    found = TerminalSession.objects.filter(pk=int(public_id), job=job, ended_at=None).select_related("user", "pod")
    session = (found.filter(pod=pod) if pod else found).first()
    if session is None:
        raise TerminalSessionNotFound
    return session, Rights.of(actor, actor.role_in(job.project_id), job, session)


def require(allowed: bool) -> None:
    """Raises PermissionDenied."""
    if not allowed:
        raise PermissionDenied


def allow_watching(
    *, actor: User, job: Job, public_id: str, allowed: bool, origin: Origin
) -> tuple[TerminalSession, Rights]:
    """The owner's to say."""
    session, rights = find(actor, job, public_id)
    require(rights.attach)
    with transaction.atomic():
        audit(actor, "terminal.watchable", job, origin, detail={"session": session.pk, "watchable": allowed})
        if not TerminalSession.objects.filter(pk=session.pk, ended_at=None).update(watchable=allowed):
            raise TerminalSessionNotFound
    return find(actor, job, public_id)


def end(*, actor: User, job: Job, public_id: str, origin: Origin) -> None:
    session, rights = find(actor, job, public_id)
    require(rights.end)
    request_end(actor, session, job, Ending.ENDED if session.user_id == actor.pk else Ending.KILLED, origin)


def request_end(actor: User, session: TerminalSession, job: Job, ending: Ending, origin: Origin) -> bool:
    """False when it has ended already. The caller has checked the right."""
    with transaction.atomic():
        audit(actor, "terminal.end", job, origin, detail={"session": session.pk, "pod": session.pod.name})
        return TerminalSession.objects.filter(pk=session.pk, ended_at=None).update(end_request=ending.value) == 1


def closes_at(session: TerminalSession) -> datetime:
    """At the latest, if nobody does anything."""
    longest = session.started_at + timedelta(seconds=settings.TERMINAL_TOTAL_SECONDS)
    if session.detached_at is None:
        return longest
    return min(longest, session.detached_at + timedelta(seconds=settings.TERMINAL_DETACHED_SECONDS))
