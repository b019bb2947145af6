"""A cluster's events in the registry: one row for each distinct one, however often it is repeated.

Their texts are others': they are cleaned before anything else is done with them, as PostgreSQL refuses a NUL, UTF-8 a
lone surrogate, and a page should not be at the mercy of control characters. Of a job no more than MOST are kept, the
last ones: a pod that reports a new text each second must not fill the table.
"""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import DataError, IntegrityError, transaction
from django.db.models import Count

from jobs import news
from jobs.cluster.base import Notice
from jobs.events import fingerprint
from jobs.identifiers import pod_name
from jobs.models import Event, Job, ResourcePool

logger = logging.getLogger(__name__)

MOST = 500
LONGEST_MESSAGE = 4096
UNCLEAN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
Known = Mapping[tuple[int, str], tuple[int, datetime]]


def record(pool: ResourcePool, found: Sequence[tuple[str, Notice]]) -> set[str]:
    """Answers the jobs with a warning that is new."""
    jobs = {
        job.public_id: job
        for job in Job.objects.filter(pool=pool, public_id__in={job_id for job_id, _notice in found}).only(
            "pk", "public_id", "attempt_number", "replicas"
        )
    }
    rows = merged(
        event_of(job, clean(notice)) for job_id, notice in found if (job := jobs.get(job_id)) and fits(job, notice)
    )
    known = known_of(rows)
    changed = [row for row in rows if is_news(row, known)]
    if not changed:
        return set()
    write(changed)
    news.of_jobs({row.job_id for row in changed})
    new = {row.job_id for row in changed if (row.job_id, row.fingerprint) not in known}
    if new:
        trim(new)
    warned = {row.job_id for row in changed if row.job_id in new and row.type == Event.WARNING}
    return {job.public_id for job in jobs.values() if job.pk in warned}


def fits(job: Job, notice: Notice) -> bool:
    """A name of ours that we never gave is somebody else's."""
    return notice.attempt <= job.attempt_number and (notice.replica is None or notice.replica < job.replicas)


def clean(notice: Notice) -> Notice:
    return replace(
        notice,
        object_uid=text(notice.object_uid, 64),
        reason=text(notice.reason, 64),
        message=text(notice.message, LONGEST_MESSAGE),
        source=text(notice.source, 64),
        count=min(max(notice.count, 1), 2**31 - 1),
    )


def text(value: str, longest: int) -> str:
    value = UNCLEAN.sub("", value)
    return value if len(value) <= longest else value[: longest - 1] + "…"


def event_of(job: Job, notice: Notice) -> Event:
    about_pod = notice.attempt and notice.replica is not None
    return Event(
        job=job,
        attempt=notice.attempt or None,
        pod_name=pod_name(job.public_id, notice.attempt, notice.replica or 0) if about_pod else "",
        type=Event.WARNING if notice.warning else Event.NORMAL,
        reason=notice.reason,
        message=notice.message,
        source=notice.source,
        fingerprint=fingerprint(notice.object_uid, notice.reason, notice.message),
        count=notice.count,
        first_at=min(notice.first_at, notice.at),
        last_at=notice.at,
    )


def merged(rows: Iterable[Event]) -> list[Event]:
    """One of each, with the highest count and the last time."""
    found: dict[tuple[int, str], Event] = {}
    for row in rows:
        other = found.setdefault((row.job_id, row.fingerprint), row)
        other.count = max(other.count, row.count)
        other.first_at = min(other.first_at, row.first_at)
        other.last_at = max(other.last_at, row.last_at)
    return list(found.values())


def known_of(rows: Sequence[Event]) -> Known:
    found = Event.objects.filter(
        job__in={row.job_id for row in rows}, fingerprint__in={row.fingerprint for row in rows}
    ).values_list("job_id", "fingerprint", "count", "last_at")
    return {(job, mark): (count, last) for job, mark, count, last in found}


def is_news(row: Event, known: Known) -> bool:
    """Also takes over what is higher and later in the row that is there."""
    count, last_at = known.get((row.job_id, row.fingerprint), (0, row.last_at))
    if count >= row.count and last_at >= row.last_at:
        return False
    row.count, row.last_at = max(count, row.count), max(last_at, row.last_at)
    return True


def write(rows: Sequence[Event]) -> None:
    """All at once; when one of them cannot be stored, or its job has just been removed, the others are."""
    try:
        upsert(rows)
    except (DataError, IntegrityError):
        for row in rows:
            try:
                upsert([row])
            except (DataError, IntegrityError) as exc:
                logger.warning("An event of job %s could not be stored: %s", row.job_id, exc)


def upsert(rows: Sequence[Event]) -> None:
    with transaction.atomic():
        Event.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["job", "fingerprint"], update_fields=["count", "last_at"]
        )


def trim(job_pks: Iterable[int]) -> None:
    counted = Event.objects.filter(job__in=list(job_pks)).exclude(source=Event.PLATFORM).order_by().values("job")
    for found in counted.annotate(rows=Count("pk")).filter(rows__gt=MOST):
        kept = Event.objects.filter(job=found["job"]).exclude(source=Event.PLATFORM).order_by("-last_at", "-pk")
        Event.objects.filter(pk__in=list(kept.values_list("pk", flat=True)[MOST:])).delete()
