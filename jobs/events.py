"""Builders of events and audit rows; whoever changes something writes them in the same transaction."""

import hashlib
import secrets
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import TruncSecond

from jobs.models import Event, Job


def newest_first(job: Job) -> QuerySet[Event]:
    """A cluster's events come with whole seconds: within one second it counts what was learned first."""
    return Event.objects.filter(job=job).order_by(TruncSecond("last_at").desc(), "-id")


def platform_event(
    *,
    job_pk: int,
    reason: str,
    params: dict[str, Any] | None = None,
    warning: bool = False,
    attempt: int | None = None,
    pod_name: str = "",
    at: datetime,
) -> Event:
    """An unsaved event in the platform's words (jobs.wording)."""
    return Event(
        job_id=job_pk,
        reason=reason,
        params=params or {},
        type=Event.WARNING if warning else Event.NORMAL,
        attempt=attempt,
        pod_name=pod_name,
        fingerprint=secrets.token_hex(8),
        first_at=at,
        last_at=at,
    )


def fingerprint(object_uid: str, reason: str, message: str) -> str:
    """The same for repeats of one cluster event, which are counted, not listed."""
    return hashlib.sha256("\0".join((object_uid, reason, message)).encode()).hexdigest()
