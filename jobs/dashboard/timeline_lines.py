"""The lines of a timeline: bars for the phases of a job, an attempt or a pod, and marks for what happened to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs import wording
from jobs.dashboard import times
from jobs.dashboard.spans import Scale, percent
from jobs.models import Attempt, Job, Pod
from jobs.states import EndReason

LEAST_WIDTH = 0.35  # percent: what was short is still seen
PENDING, QUEUED, STARTING = gettext_lazy("Pending"), gettext_lazy("Queued"), gettext_lazy("Starting")
RUNNING, BETWEEN = gettext_lazy("Running"), gettext_lazy("Waiting for the next attempt")
POD_TONES = {"Running": "moving", "Succeeded": "done", "Failed": "failed", "Unknown": "look"}
ATTEMPT_TONES = {"": "moving", EndReason.COMPLETED: "done", EndReason.STOPPED_BY_USER: "waiting"}


@dataclass(frozen=True, slots=True)
class Bar:
    x: str
    width: str
    tone: str
    is_soft: bool  # not at work yet
    text: str


@dataclass(slots=True)
class Mark:
    share: float
    is_warning: bool
    lines: list[str]

    @property
    def x(self) -> str:
        return percent(self.share)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(slots=True)
class Line:
    key: str
    label: str
    kind: str  # job, attempt or pod
    bars: list[Bar] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """For who does not see the bars."""
        return "; ".join([*(bar.text for bar in self.bars), *(mark.text for mark in self.marks)])


def job_line(job: Job, attempts: Sequence[Attempt], scale: Scale) -> Line:
    """Acceptance, the queue, and the run with the waits between its attempts."""
    line = Line("job", _("Job"), "job")
    first = attempts[0].created_at if attempts else scale.end
    queued = min(job.queued_at or first, first)
    add(line, scale, (job.created_at, queued), PENDING, "waiting", is_soft=True)
    add(line, scale, (queued, first), QUEUED, "waiting", is_soft=True)
    running_since = job.started_at or scale.end
    for before, after in pairwise(attempts):
        if before.finished_at:
            add(line, scale, (running_since, before.finished_at), RUNNING, job_tone(job), is_soft=False)
            add(line, scale, (before.finished_at, after.created_at), BETWEEN, "waiting", is_soft=True)
            running_since = max(running_since, after.created_at)
    add(line, scale, (running_since, scale.end), RUNNING, job_tone(job), is_soft=False)
    return line


def job_tone(job: Job) -> str:
    return {"Succeeded": "done", "Failed": "failed", "Stopped": "waiting"}.get(job.status, "moving")


def attempt_line(attempt: Attempt, scale: Scale) -> Line:
    ended = str(wording.END_REASONS.get(attempt.end_reason, attempt.end_reason))
    label = _("Attempt %(number)d") % {"number": attempt.number}
    line = Line(f"attempt-{attempt.number}", f"{label} · {ended}" if ended else label, "attempt")
    end = attempt.finished_at or scale.end
    add(line, scale, (attempt.created_at, attempt.started_at or end), STARTING, "moving", is_soft=True)
    if attempt.started_at:
        tone = ATTEMPT_TONES.get(attempt.end_reason, "failed")
        add(line, scale, (attempt.started_at, end), ended or RUNNING, tone, is_soft=False)
    return line


def pod_line(pod: Pod, attempt: Attempt, scale: Scale) -> Line:
    line = Line(pod.name, _("Replica %(number)d") % {"number": pod.replica}, "pod")
    end = pod.finished_at or attempt.finished_at or scale.end
    waited = (attempt.launched_at or attempt.created_at, pod.started_at or end)
    add(line, scale, waited, STARTING, "moving", is_soft=True)
    if pod.started_at:
        code = "" if pod.exit_code is None else f" ({_('Exit code')} {pod.exit_code})"
        tone = POD_TONES.get(pod.phase, "look")
        add(line, scale, (pod.started_at, end), f"{_(pod.phase)}{code}", tone, is_soft=False)
    return line


def add(
    line: Line, scale: Scale, span: tuple[datetime, datetime], word: str | Promise, tone: str, *, is_soft: bool
) -> None:
    """Nothing for a span that takes no time, runs backwards (as of two clocks), or was over before the scale begins."""
    start, end = span
    if end <= max(start, scale.start):
        return
    left, right = scale.share(start), scale.share(end)
    width = max(right - left, LEAST_WIDTH)
    text = f"{word} {times.duration((end - start).total_seconds())}, {times.exact(start)}"
    line.bars.append(Bar(percent(min(left, 100 - width)), percent(width), tone, is_soft, text))
