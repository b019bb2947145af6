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
# An active job is looked at every few seconds; one not seen for this long may have changed unseen.
STALE_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class StatusView:
    key: str  # chooses the shape
    word: str
    tone: str
    message: str
    stale: bool
    observed_at: datetime | None


def observed_at(job: Job) -> datetime:
    """When the platform last knew the status for sure: for a final status, when it became final."""
    if job.is_final:
        return job.finished_at or job.observed_at or job.created_at
    return job.observed_at or job.created_at


def is_stale(job: Job, now: datetime) -> bool:
    return job.is_active and now - observed_at(job) > STALE_AFTER


def view_of(job: Job, now: datetime) -> StatusView:
    return StatusView(
        key=job.state.value.lower(),
        word=str(WORDS[job.state]),
        tone=TONES[job.state],
        message=wording.status_message(job),
        stale=is_stale(job, now),
        observed_at=observed_at(job),
    )
