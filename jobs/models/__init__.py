from jobs.models.attempt import Attempt, Pod
from jobs.models.count import JobCount
from jobs.models.event import AuditEntry, Event
from jobs.models.job import Job, Priority
from jobs.models.pool import PoolUse, Queue, ResourcePool
from jobs.models.recording import TerminalRecording
from jobs.models.template import JobTemplate
from jobs.models.terminal import TerminalServer, TerminalSession, TerminalTicket
from jobs.models.view import SavedView

__all__ = [
    "Attempt",
    "AuditEntry",
    "Event",
    "Job",
    "JobCount",
    "JobTemplate",
    "Pod",
    "PoolUse",
    "Priority",
    "Queue",
    "ResourcePool",
    "SavedView",
    "TerminalRecording",
    "TerminalServer",
    "TerminalSession",
    "TerminalTicket",
]
