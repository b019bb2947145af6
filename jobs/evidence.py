"""Why a job is where it is, told with the end of the log of the pod it failed in.

The log is read when somebody asks: it may come in after the job has ended, and what a program printed is nowhere but in
its log.
"""

from contextlib import closing

from jobs.cluster.diagnosis import Ending, with_last_words
from jobs.identifiers import parse_pod_name
from jobs.logs.filesystem import configured_store
from jobs.logs.store import LogKey, LogNotFound
from jobs.models import Job
from jobs.states import EndReason, JobStatus
from jobs.wording import Explanation, explanation

TAIL_BYTES = 16384


def explanation_of(job: Job) -> Explanation:
    """Reads at most one file; a log that cannot be read is left out."""
    params = job.status_params
    if job.state is JobStatus.FAILED and job.status_reason in set(EndReason):
        params = with_last_words(Ending(EndReason(job.status_reason), params), last_lines(job)).params
    return explanation(job.status_reason, params)


def last_lines(job: Job) -> list[str]:
    """Of the pod that the job's end names; none when it names none of its own."""
    named = parse_pod_name(str(job.status_params.get("pod", "")))
    if named is None or named[0] != job.public_id:
        return []
    try:
        with closing(configured_store().open(LogKey(*named))) as log:
            start = max(0, log.size() - TAIL_BYTES)
            data = log.read(start, TAIL_BYTES)
    except (LogNotFound, OSError):
        return []
    return data.decode(errors="replace").split("\n")
