"""Removes what no longer decides anything: marks of log-ins whose tokens have all expired, used-up refresh tokens,
sessions, and places of log-in long ago. Called now and then; missing a call costs only room."""

from datetime import datetime

from django.contrib.sessions.models import Session
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts.browser_sessions import open_keys
from accounts.models import BrowserSession, EndedLogin, KnownAddress


def purge_expired(now: datetime) -> int:
    """How many rows went."""
    stale = (
        EndedLogin.objects.filter(expires_at__lt=now),
        OutstandingToken.objects.filter(expires_at__lt=now),
        Session.objects.filter(expire_date__lt=now),
        KnownAddress.objects.filter(last_login_at__lt=now - KnownAddress.KNOWN_FOR),
        BrowserSession.objects.exclude(session_key__in=open_keys(now)),
    )
    return sum(rows.delete()[0] for rows in stale)
