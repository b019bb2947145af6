"""A pod of a job, and what it wrote, as the local pool would leave them."""

from contextlib import closing

from jobs.identifiers import pod_name
from jobs.logs.filesystem import configured_store
from jobs.logs.format import MARKER
from jobs.logs.store import LogKey
from jobs.models import Attempt, Job, Pod

FIRST_NS = 1_736_937_000_123_456_789  # 2025-01-15T10:30:00.123456789Z


def make_pod(job: Job, *, attempt: int = 1, replica: int = 0, phase: str = "Running") -> Pod:
    row, _created = Attempt.objects.get_or_create(job=job, number=attempt)
    Job.objects.filter(pk=job.pk).update(attempt_number=attempt, status="Running")
    return Pod.objects.create(
        job=job, attempt=row, replica=replica, name=pod_name(job.public_id, attempt, replica), phase=phase
    )


def print_lines(job: Job, data: bytes, *, attempt: int = 1, replica: int = 0, seal: bool = False) -> None:
    with closing(configured_store().writer(LogKey(job.public_id, attempt, replica))) as writer:
        writer.append(data, FIRST_NS)
        if seal:
            writer.seal(FIRST_NS)


def print_marker(job: Job, before: bytes, line: bytes) -> None:
    """Output, a line of the platform's own, and the end."""
    with closing(configured_store().writer(LogKey(job.public_id, 1, 0))) as writer:
        writer.append(before, FIRST_NS)
        writer.append(line, FIRST_NS, MARKER)
        writer.seal(FIRST_NS)
