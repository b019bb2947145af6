"""Events of the cluster → Notice, and whom they are about. Pure."""

import re
from datetime import datetime

from jobs.cluster.base import Notice
from jobs.cluster.kubernetes import wire
from jobs.identifiers import JOB_ID

# The Job's name, and for a pod its index and five random characters (the Job controller's generateName).
NAME = re.compile(rf"({JOB_ID.pattern})-([1-9]\d{{0,5}})(?:-(\d{{1,6}})-[a-z0-9]+)?", re.ASCII)
KINDS = ("Job", "Pod")


def notice(event: wire.Event) -> tuple[str, Notice] | None:
    """(job id, what is reported); None when it is not about a Job or a pod with a name of ours."""
    about = event.involved_object
    name = NAME.fullmatch(about.name) if about.kind in KINDS else None
    at = last_time(event)
    if name is None or at is None or (about.kind == "Pod") != (name[3] is not None):
        return None
    return name[1], Notice(
        object_uid=about.uid,
        reason=event.reason,
        message=event.message,
        at=at,
        first_at=event.first_timestamp or event.event_time or event.metadata.creation_timestamp or at,
        count=max(1, (event.series.count if event.series else 0) or event.count or 1),
        warning=event.type == "Warning",
        attempt=int(name[2]),
        replica=None if name[3] is None else int(name[3]),
        source=event.reporting_component or event.source.component,
    )


def last_time(event: wire.Event) -> datetime | None:
    """The scheduler's events have neither firstTimestamp nor lastTimestamp nor a count, but an eventTime, which is that
    of the first of a series."""
    repeated = event.series.last_observed_time if event.series else None
    return repeated or event.event_time or event.last_timestamp or event.metadata.creation_timestamp
