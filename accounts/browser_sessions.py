"""The log-ins of the pages, as their owner sees and ends them.

Django's session table knows no user. Beside it a row says whose a session is, from where and since when; it is written
at the log-in and again while pages are read, at most every few minutes. What counts is the session itself: a row
without one is nothing, and ending deletes the session, so that its next request is a stranger's.
"""

import time
from datetime import datetime
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils import timezone

from accounts.models import BrowserSession, User
from jobs.models import AuditEntry
from jobs_platform import request_id
from jobs_platform.client_address import client_address

STEP_SECONDS = 300
MOST_REMEMBERED = 10_000
written: dict[str, float] = {}  # session key → when this process last wrote its row


def seen(request: HttpRequest, user: User) -> None:
    """Note that the user's session is in use. Nothing for a request without one, as API clients send."""
    key = request.session.session_key
    if not key or request.session.get(SESSION_KEY) != str(user.pk):
        return
    clock = time.monotonic()
    if clock - written.get(key, -STEP_SECONDS) < STEP_SECONDS:
        return
    if len(written) >= MOST_REMEMBERED:
        written.clear()
    written[key] = clock
    values: dict[str, Any] = {
        "user": user,
        "seen_at": timezone.now(),
        "address": client_address(request)[:64],
        "agent": request.headers.get("User-Agent", "")[:256],
    }
    BrowserSession.objects.update_or_create(session_key=key, defaults=values)


def listed(user: User) -> QuerySet[BrowserSession]:
    """Those that are still open, the last used first."""
    return of_user(user, timezone.now()).order_by("-seen_at", "-pk")


def of_user(user: User, now: datetime) -> QuerySet[BrowserSession]:
    return BrowserSession.objects.filter(user=user, session_key__in=open_keys(now))


def open_keys(now: datetime) -> QuerySet[Session, Any]:
    return Session.objects.filter(expire_date__gt=now).values("session_key")


def end(*, user: User, pk: int, request: HttpRequest) -> None:
    """Raises Http404 for what is not an open session of the user's."""
    row = listed(user).filter(pk=pk).first()
    if row is None:
        raise Http404
    end_all([row], user, request)


def end_others(*, user: User, request: HttpRequest) -> int:
    """All but the one of this request; how many."""
    rows = list(listed(user).exclude(session_key=request.session.session_key))
    end_all(rows, user, request)
    return len(rows)


def end_all(rows: list[BrowserSession], user: User, request: HttpRequest) -> None:
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    with transaction.atomic():
        for row in rows:
            audit(row, user, request)
            store.delete(row.session_key)
            row.delete()


def audit(row: BrowserSession, user: User, request: HttpRequest) -> None:
    AuditEntry.objects.create(
        actor=user,
        actor_name=user.username,
        action="session.end",
        object_id=user.username,
        address=client_address(request),
        request_id=request_id.current.get(),
        detail={"address": row.address, "agent": row.agent},
    )
