"""Where a job that is not submitted yet would stand: the rules of admission, over what waits and runs now.

A look, not a promise: others submit meanwhile, and a cluster may place pods later than the platform counts.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Q

from jobs.models import Job
from jobs.reconcile.admission import Held
from jobs.reconcile.admit import considered, decide_places, waiting_jobs

COUNTED = 1000  # of the jobs ahead; there are at least so many when the count says so


@dataclass(frozen=True, slots=True)
class Outlook:
    """`held` is why it would wait, None when it would start now; `ahead` the waiting jobs that go first."""

    held: Held | None
    ahead: int


def outlook(job: Job, now: datetime) -> Outlook:
    """`job` is unsaved, with its pool and queue."""
    first = [one for one in considered(job.pool, now) if goes_first(one, job)]
    choice = decide_places(job.pool, [*first, job])
    held = next((one for one in choice.held if one.pk is None), None)
    if held is None:
        return Outlook(None, 0)
    ahead = count_ahead(job, held, now)
    if "ahead" in held.params:  # of those considered
        held = replace(held, params={**held.params, "ahead": ahead})
    return Outlook(held, ahead)


def goes_first(one: Job, job: Job) -> bool:
    """Admission's order; of two alike the one that was there before."""
    return (one.queue.priority, one.priority) >= (job.queue.priority, job.priority)


def count_ahead(job: Job, held: Held, now: datetime) -> int:
    """In the whole pool; in its queue alone where only that is full."""
    ahead = Q(queue__priority__gt=job.queue.priority)
    ahead |= Q(queue__priority=job.queue.priority, priority__gte=job.priority)
    waiting = waiting_jobs(job.pool, now).filter(ahead)
    if held.params.get("variant") == "queue":
        waiting = waiting.filter(queue=job.queue)
    return waiting[:COUNTED].count()
