"""A job's status as people see it: a word, a tone, a shape, its sentence, and how old the knowledge is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from jobs import wording
from jobs.models import Job
from jobs.states import JobStatus

WORDS: dict[JobStatus, Promise] = {
    JobStatus.PENDING: _("Pending"),
    JobStatus.QUEUED: _("Queued"),
    JobStatus.STARTING: _("Starting"),
    JobStatus.RUNNING: _("Running"),
    JobStatus.STOPPING: _("Stopping"),
    JobStatus.STOPPED: _("Stopped"),
    JobStatus.SUCCEEDED: _("Succeeded"),
    JobStatus.FAILED: _("Failed"),
}
TONES: dict[JobStatus, str] = {
    JobStatus.PENDING: "waiting",
    JobStatus.QUEUED: "waiting",
    JobStatus.STARTING: "moving",
    JobStatus.RUNNING: "moving",
    JobStatus.STOPPING: "moving",
    JobStatus.STOPPED: "waiting",
    JobStatus.SUCCEEDED: "done",
    JobStatus.FAILED: "failed",
}
# A job on its cluster is looked at every 15 seconds, or its pool's watch hears from the cluster about as often, and the
# pool's agent reports every 10 seconds: three misses in a row.
STALE_AFTER = timedelta(seconds=45)


@dataclass(frozen=True, slots=True)
class StatusView:
    key: str  # chooses the shape
    word: str
    tone: str
    message: str
    explanation: wording.Explanation
    stale: bool
    observed_at: datetime | None


def observed_at(job: Job) -> datetime:
    """When the platform last knew the status for sure. A final status is sure for good; what is on the cluster was seen
    there; a queued job waits as long as its pool is being watched; an accepted one is the platform's own to look at."""
    if job.is_final:
        return job.finished_at or job.observed_at or job.created_at
    if job.state is JobStatus.QUEUED:
        return job.pool.agent_seen_at or job.queued_at or job.created_at
    return job.confirmed_at or job.created_at


def is_stale(job: Job, now: datetime) -> bool:
    """Whether the status may have changed unseen. A job that was never seen on its cluster yet is late only when its
    next look is."""
    if job.is_final:
        return False
    if job.state is JobStatus.QUEUED:
        since = job.pool.agent_seen_at or now
    else:
        since = job.confirmed_at or job.next_check_at or now
    return now - since > STALE_AFTER


def view_of(job: Job, now: datetime, told: wording.Explanation | None = None) -> StatusView:
    """`told`: its explanation, where more is known than the row says."""
    told = told or wording.explanation(job.status_reason, job.status_params)
    return StatusView(
        key=job.state.value.lower(),
        word=str(WORDS[job.state]),
        tone=TONES[job.state],
        message=told.text,
        explanation=told,
        stale=is_stale(job, now),
        observed_at=observed_at(job),
    )
