"""The platform's sentences: a stored reason and its parameters become text in the reader's language.

An explanation says what happened, why, and what to do next, and of which kind the trouble is. Rows keep reason and
parameters, never the text, so that one row reads in every language.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jobs.states import JobStatus
from jobs.wording.ends import ENDS
from jobs.wording.events import EVENTS
from jobs.wording.refusals import REFUSALS
from jobs.wording.waits import WAITS
from jobs.wording.words import END_REASONS, Explanation, Words, explain, fill

if TYPE_CHECKING:
    from jobs.models import Event, Job

__all__ = [
    "CATEGORIES",
    "END_REASONS",
    "EVENTS",
    "STATUS",
    "Explanation",
    "event_message",
    "explanation",
    "fill",
    "is_trouble",
    "sentence_for",
    "status_message",
]

# Of a job. A reason may have variants, `Reason.variant`, chosen by params["variant"].
STATUS: dict[str, Words] = {**WAITS, **REFUSALS, **ENDS}
CATEGORIES = sorted({words.category for words in STATUS.values() if words.category})
TROUBLED = frozenset({JobStatus.PENDING, JobStatus.QUEUED, JobStatus.STARTING, JobStatus.RUNNING, JobStatus.FAILED})


def explanation(reason: str, params: Mapping[str, Any]) -> Explanation:
    """The reason itself where there are no words for it; all empty for an empty reason."""
    found = STATUS.get(f"{reason}.{params.get('variant', '')}") or STATUS.get(reason)
    return explain(found, params) if found else Explanation("", reason)


def sentence_for(reason: str, params: Mapping[str, Any]) -> str:
    """The same as one text."""
    return explanation(reason, params).text


def status_message(job: "Job") -> str:
    return sentence_for(job.status_reason, job.status_params)


def is_trouble(state: JobStatus, told: Explanation) -> bool:
    """Whether it tells why a job waits, struggles or failed; not for one that just runs, or ended as it should."""
    return state in TROUBLED and bool(told.category)


def event_message(event: "Event") -> str:
    """The cluster's own words where there are any, else the platform's in the active language."""
    if event.message:
        return event.message
    variant = f"{event.reason}.{event.params.get('variant', '')}"
    if found := EVENTS.get(variant) or EVENTS.get(event.reason):
        return explain(found, event.params).text
    return sentence_for(str(event.params.get("ended", event.reason)), event.params)
