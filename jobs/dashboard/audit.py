"""Who asked for what in a job, for its page."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from jobs.models import AuditEntry, Job

ENTRIES_SHOWN = 200
ACTIONS: dict[str, str | Promise] = {
    "job.create": _("submitted the job"),
    "job.stop": _("stopped the job"),
    "job.delete": _("deleted the job"),
    "terminal.ticket": _("asked for a terminal"),
    "terminal.open": _("opened a terminal"),
    "terminal.attach": _("came back to a terminal"),
    "terminal.watch": _("watched a terminal"),
    "terminal.watchable": _("said who may watch a terminal"),
    "terminal.end": _("ended a terminal"),
    "terminal.recording": _("played the recording of a terminal"),
}


@dataclass(frozen=True, slots=True)
class AuditRow:
    entry: AuditEntry
    action: str
    place: str  # the pod or recording it was about; empty for the job itself


def rows_of(job: Job) -> list[AuditRow]:
    """Newest first, the last 200. Where a call came from is the operators' to see, in the admin."""
    entries = AuditEntry.objects.filter(object_id=job.public_id).order_by("-id")[:ENTRIES_SHOWN]
    return [
        AuditRow(
            entry=entry,
            action=str(ACTIONS.get(entry.action, entry.action)),
            place=str(entry.detail.get("pod") or entry.detail.get("recording") or ""),
        )
        for entry in entries
    ]
