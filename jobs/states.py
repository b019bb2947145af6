"""The life of a job: statuses, the reasons a job ends for, and the one table of allowed transitions. Pure.

Pending → Queued → Starting → Running → Succeeded | Failed
any active → Stopping → Stopped          Starting, Running → (retry) → Pending
"""

from enum import StrEnum


class JobStatus(StrEnum):
    PENDING = "Pending"
    QUEUED = "Queued"
    STARTING = "Starting"
    RUNNING = "Running"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class Desired(StrEnum):
    RUN = "run"
    STOP = "stop"
    DELETE = "delete"


class RetryClass(StrEnum):
    NEVER = "never"
    ON_REQUEST = "on_request"  # retried when the job's retryPolicy allows it
    INFRASTRUCTURE = "infrastructure"  # not the command's fault


class EndReason(StrEnum):
    COMPLETED = "Completed"
    COMMAND_FAILED = "CommandFailed"
    OUT_OF_MEMORY = "OutOfMemory"
    TIMED_OUT = "TimedOut"
    IMAGE_UNAVAILABLE = "ImageUnavailable"
    REJECTED = "Rejected"
    NODE_LOST = "NodeLost"
    PREEMPTED = "Preempted"
    LOST = "Lost"
    STOPPED_BY_USER = "StoppedByUser"

    @property
    def status(self) -> JobStatus:
        return END_STATUS.get(self, JobStatus.FAILED)

    @property
    def retry_class(self) -> RetryClass:
        return RETRY_CLASS[self]


END_STATUS = {EndReason.COMPLETED: JobStatus.SUCCEEDED, EndReason.STOPPED_BY_USER: JobStatus.STOPPED}

RETRY_CLASS = {
    EndReason.COMPLETED: RetryClass.NEVER,
    EndReason.COMMAND_FAILED: RetryClass.ON_REQUEST,
    EndReason.OUT_OF_MEMORY: RetryClass.NEVER,
    EndReason.TIMED_OUT: RetryClass.NEVER,
    EndReason.IMAGE_UNAVAILABLE: RetryClass.ON_REQUEST,
    EndReason.REJECTED: RetryClass.NEVER,
    EndReason.NODE_LOST: RetryClass.INFRASTRUCTURE,
    EndReason.PREEMPTED: RetryClass.INFRASTRUCTURE,
    EndReason.LOST: RetryClass.INFRASTRUCTURE,
    EndReason.STOPPED_BY_USER: RetryClass.NEVER,
}

FINAL = frozenset({JobStatus.STOPPED, JobStatus.SUCCEEDED, JobStatus.FAILED})
ACTIVE = frozenset(JobStatus) - FINAL
# Statuses that hold their pool's resources and their queue's places.
ADMITTED = frozenset({JobStatus.STARTING, JobStatus.RUNNING, JobStatus.STOPPING})

TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.PENDING: frozenset({JobStatus.QUEUED, JobStatus.STOPPING, JobStatus.FAILED}),
    JobStatus.QUEUED: frozenset({JobStatus.STARTING, JobStatus.STOPPING, JobStatus.FAILED}),
    JobStatus.STARTING: frozenset(
        {JobStatus.RUNNING, JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.STOPPING, JobStatus.PENDING}
    ),
    JobStatus.RUNNING: frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.STOPPING, JobStatus.PENDING}),
    JobStatus.STOPPING: frozenset({JobStatus.STOPPED}),
    JobStatus.STOPPED: frozenset(),
    JobStatus.SUCCEEDED: frozenset(),
    JobStatus.FAILED: frozenset(),
}


def allowed(old: JobStatus, new: JobStatus) -> bool:
    return new in TRANSITIONS[old]


def may_retry(reason: EndReason, *, attempt: int, max_retries: int, on: frozenset[str]) -> bool:
    """Whether the job's retryPolicy gives attempt number `attempt` (from 1) a successor. An empty `on` means every
    reason that can be retried at all."""
    if attempt > max_retries or reason.retry_class is RetryClass.NEVER:
        return False
    return not on or reason.value in on
